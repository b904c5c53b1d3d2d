/**
 * Rules of the server's owner: what a download gets that was not asked for with
 * it. The first rule that fits counts. Pure.
 */

import { parseDirectory, safePart } from "./directory.ts";
import type { Download, DownloadRequest, FileFacts } from "./download.ts";
import { extensionOf, safeName } from "./safe_name.ts";

/** What fits which downloads, and what these get. */
export interface Rule {
  /** Hosts' names, `*.example.org` for all below one; empty for any. */
  readonly hosts: readonly string[];
  /** In lower case, without a dot before them; empty for any. */
  readonly extensions: readonly string[];
  /** In lower case, such as `video/mp4` or `video/*`; empty for any. */
  readonly mediaTypes: readonly string[];
  /** Bytes that a file has at least; null for any. */
  readonly minSize: number | null;
  /** Bytes that a file has at most; null for any. */
  readonly maxSize: number | null;
  /** A template, see {@linkcode templateFault}; null for none. */
  readonly directory: string | null;
  /** For the URL's own origin. */
  readonly headers: Readonly<Record<string, string>>;
  readonly threads: number | null;
  /** Bytes a second. */
  readonly limitRate: number | null;
  /** See `DownloadRequest`. */
  readonly proxy: string | null;
}

type Asked = Pick<DownloadRequest, "url" | "filename">;

/** Whether a rule fits; unknown before the origin has answered. */
type Fit = "yes" | "no" | "unknown";

/**
 * Whether a rule can be told to fit only once the origin has answered. Then it is
 * too late for anything but the directory.
 */
export function waitsForAnswer(
  { mediaTypes, minSize, maxSize }: Pick<
    Rule,
    "mediaTypes" | "minSize" | "maxSize"
  >,
): boolean {
  return mediaTypes.length > 0 || minSize !== null || maxSize !== null;
}

/**
 * A request with what the first rule gives that fits its URL, where it does not
 * say so itself. Headers are not among it: see {@linkcode headersByRules}.
 *
 * @param addedAt Milliseconds since the epoch.
 */
export function withRules(
  request: DownloadRequest,
  rules: readonly Rule[],
  addedAt: number,
): DownloadRequest {
  const directory = request.directory ??
    directoryByRules({ request, addedAt }, null, rules);
  const rule = ruleForUrl(request, rules);
  const threads = request.threads ?? rule?.threads ?? null;
  const limitRate = request.limitRate ?? rule?.limitRate ?? undefined;
  const proxy = request.proxy ?? rule?.proxy ?? undefined;
  const isSame = directory === request.directory &&
    threads === request.threads && limitRate === request.limitRate &&
    proxy === request.proxy;
  return isSame ? request : {
    ...request,
    threads,
    ...(directory !== undefined && { directory }),
    ...(limitRate !== undefined && { limitRate }),
    ...(proxy !== undefined && { proxy }),
  };
}

/**
 * The headers of a request, with those that the first rule gives that fits its
 * URL. They are not recorded with it: another URL that it is given later may
 * lead elsewhere.
 */
export function headersByRules(
  { url, filename, headers, credentials }: Pick<
    DownloadRequest,
    "url" | "filename" | "headers" | "credentials"
  >,
  rules: readonly Rule[],
): Readonly<Record<string, string>> {
  const given = ruleForUrl({ url, filename }, rules)?.headers;
  if (given === undefined) return headers;
  const { username, password, origin } = new URL(url);
  const isNamed = username || password || credentials?.has(origin);
  const { authorization, ...others } = given;
  const fromRule = isNamed || authorization === undefined ? others : given;
  return { ...fromRule, ...headers };
}

/**
 * The directory that a download's file goes to by the first rule that fits it;
 * empty for the content directory, undefined if none fits, or the answer is
 * needed to tell.
 *
 * @param file What the origin has answered; null before.
 */
export function directoryByRules(
  { request, addedAt }: Pick<Download, "request" | "addedAt">,
  file: FileFacts | null,
  rules: readonly Rule[],
): string | undefined {
  if (rules.every(({ directory }) => directory === null)) return undefined;
  for (const rule of rules) {
    const fit = fitOf(rule, request, file);
    if (fit === "unknown") return undefined;
    if (fit === "no") continue;
    if (rule.directory === null) return "";
    const name = file?.name ?? request.filename;
    const isKnown = name !== null || !/\{extension\}/.test(rule.directory);
    return isKnown
      ? expand(rule.directory, valuesOf(request.url, name ?? "", addedAt))
      : undefined;
  }
  return undefined;
}

function ruleForUrl(asked: Asked, rules: readonly Rule[]): Rule | undefined {
  return rules.find((rule) =>
    !waitsForAnswer(rule) && fitOf(rule, asked, null) === "yes"
  );
}

function fitOf(rule: Rule, asked: Asked, file: FileFacts | null): Fit {
  if (!fitsHost(rule, new URL(asked.url).hostname)) return "no";
  if (file !== null) {
    const fits = fitsName(rule, file.name) && fitsAnswer(rule, file);
    return fits ? "yes" : "no";
  }
  const { url, filename } = asked;
  const name = filename ?? new URL(url).pathname;
  // The origin may call it otherwise than its URL does.
  if (!fitsName(rule, name)) return filename === null ? "unknown" : "no";
  return waitsForAnswer(rule) ? "unknown" : "yes";
}

function fitsHost({ hosts }: Rule, hostname: string): boolean {
  const host = hostname.replace(/\.$/, "");
  return hosts.length === 0 ||
    hosts.some((entry) =>
      entry.startsWith("*") ? host.endsWith(entry.slice(1)) : host === entry
    );
}

function fitsName({ extensions }: Rule, name: string): boolean {
  const small = name.toLowerCase();
  return extensions.length === 0 ||
    extensions.some((extension) => small.endsWith(`.${extension}`));
}

function fitsAnswer(
  { mediaTypes, minSize, maxSize }: Rule,
  { mediaType = "", size }: FileFacts,
): boolean {
  const fitsType = mediaTypes.length === 0 ||
    mediaTypes.some((entry) =>
      entry.endsWith("/*")
        ? mediaType.startsWith(entry.slice(0, -1))
        : mediaType === entry
    );
  const isLong = minSize === null || size !== null && size >= minSize;
  const isShort = maxSize === null || size !== null && size <= maxSize;
  return fitsType && isLong && isShort;
}

/** What a template may hold in braces. */
const PLACES = ["host", "year", "month", "day", "extension"] as const;

type Values = Readonly<Record<typeof PLACES[number], string>>;

function valuesOf(url: string, name: string, addedAt: number): Values {
  const date = new Date(addedAt);
  const padded = (number: number) => String(number).padStart(2, "0");
  return {
    host: new URL(url).hostname,
    year: String(date.getFullYear()),
    month: padded(date.getMonth() + 1),
    day: padded(date.getDate()),
    extension: extensionOf(name.toLowerCase()).slice(1),
  };
}

/**
 * What is wrong with a template of a directory, `{host}/{year}-{month}`; null if
 * nothing is.
 *
 * @throws {DownloadError} BAD_REQUEST if it is no path below the content
 * directory.
 */
export function templateFault(template: string): string | null {
  const sample = template.replace(
    /\{(\w+)\}/g,
    (whole, name) => PLACES.includes(name) ? "x" : whole,
  );
  const brace = sample.match(/\{[^/]*\}?|\}/)?.[0];
  if (brace === undefined) {
    parseDirectory(sample);
    return null;
  }
  const known = PLACES.map((name) => `{${name}}`).join(", ");
  return `may not hold ${brace}; known are ${known}`;
}

/** Each part is made safe once it is put together: origins name extensions. */
function expand(template: string, values: Values): string {
  return template.split("/")
    .map((part) =>
      part.replace(
        /\{(\w+)\}/g,
        (_, name: keyof Values) => safeName(values[name]),
      )
    )
    .map(safePart)
    .filter((part) => part !== "")
    .join("/");
}
