/** Metalink 4 (RFC 5854): documents that tell where files are, and what they are. */

import { errorMessage } from "../base/error_message.ts";
import type { JsonObject } from "../base/json.ts";
import {
  type Checksum,
  CHECKSUM_ALGORITHMS,
  CHECKSUM_DIGITS,
  type ChecksumAlgorithm,
} from "../download/checksum.ts";
import { parseDirectory } from "../download/directory.ts";
import type {
  Described,
  DownloadRequest,
  Rewording,
} from "../download/download.ts";
import { DownloadError } from "../download/errors.ts";
import { MOST_MIRRORS } from "../download/fields.ts";
import { parseUrl } from "../download/request.ts";
import { safeName } from "../download/safe_name.ts";

/** A file that a document tells of. */
export interface MetalinkFile {
  /** Safe, without directories; null if nothing safe is left of it. */
  readonly name: string | null;
  /**
   * The directories before it, see `DownloadRequest`; null if there are none, or
   * they lead elsewhere, which RFC 5854 §4.1.2.1 forbids.
   */
  readonly directory: string | null;
  /** Bytes; null where it is not told. */
  readonly size: number | null;
  /** The strongest that Sluice computes; null for none. */
  readonly checksum: Checksum | null;
  /** Of http and https, the one to be preferred first; one at least. */
  readonly urls: readonly [string, ...string[]];
}

/** Characters of a document. */
export const LONGEST_METALINK = 1024 * 1024;

/** The extension of documents. */
export const METALINK_NAME = /\.meta4$/i;

/** Whether an answer says that it is a document. */
export function isMetalink(headers: Headers): boolean {
  const type = headers.get("content-type") ?? "";
  return /^\s*application\/metalink4\+xml\s*(;|$)/i.test(type);
}

/**
 * What becomes of a document at a download's URL. It is kept as it is under a name of
 * its kind; and no document leads to another.
 */
export function metalinkFor(
  { filename, described }: Pick<DownloadRequest, "filename" | "described">,
): "follow" | "keep" {
  const isKept = described !== undefined || METALINK_NAME.test(filename ?? "");
  return isKept ? "keep" : "follow";
}

/**
 * Completes a request by a document at its URL; what it says itself stands, and its
 * own mirrors stand in for the document's URLs.
 *
 * @throws {DownloadError} UNREADABLE if the document cannot be read, or tells of
 * more than one file; or of none that may be fetched: over http only what a
 * strong checksum proves, if the document came over https.
 */
export async function describedBy(
  request: DownloadRequest,
  document: string,
): Promise<Rewording> {
  const [file, another] = await readMetalink(document);
  if (file === undefined || another !== undefined) {
    throw unreadable(
      "tells of several files: save it, and give it to `sluice add --metalink`",
      "",
    );
  }
  const { name, size, urls } = file;
  const checksum = request.checksum ?? file.checksum;
  const isStrong = checksum !== null && STRONG.includes(checksum.algorithm);
  const falls = request.url.startsWith("https:") && !isStrong;
  const told = urls.slice(0, MOST_MIRRORS)
    .filter((url) => !falls || /^https:/i.test(url));
  if (told.length === 0) {
    throw unreadable("came over https, and tells of URLs of http alone");
  }
  const gives: Record<Described, boolean> = {
    filename: request.filename === null && name !== null,
    size: request.size === undefined && size !== null,
    checksum: request.checksum === null && checksum !== null,
  };
  const described = (["filename", "size", "checksum"] as const)
    .filter((field) => gives[field]);
  return ({ checksumFrom, mirrors: own = [], ...rest }) => ({
    ...rest,
    // It need not be looked for any more.
    ...(checksum === null && checksumFrom && { checksumFrom }),
    mirrors: [...new Set([...told, ...own])],
    described,
    ...(own.length > 0 && { ownMirrors: own }),
    filename: rest.filename ?? name,
    ...(gives.size && size !== null && { size }),
    checksum,
  });
}

/**
 * The fields of a request for a file, as the protocol has them.
 *
 * @param base The directory that the file's own is below; empty or no text for
 * the content directory.
 */
export function fieldsOfFile(
  { name, directory, size, checksum, urls: [url, ...mirrors] }: MetalinkFile,
  base: unknown,
): JsonObject & { readonly url: string } {
  const above = typeof base === "string" ? base : "";
  const path = above === "" || directory === null
    ? above || directory
    : `${above.replace(/\/$/, "")}/${directory}`;
  return {
    url,
    ...(mirrors.length > 0 && { mirrors: mirrors.slice(0, MOST_MIRRORS) }),
    ...(name !== null && { filename: name }),
    ...(path && { directory: path }),
    ...(size !== null && { size }),
    ...(checksum !== null && { [checksum.algorithm]: checksum.digest }),
  };
}

/** Checksums that nobody finds another file for. */
const STRONG: readonly ChecksumAlgorithm[] = ["sha256", "sha512"];

/** What the elements of all Metalink 4 documents belong to. */
const NAMESPACE = "urn:ietf:params:xml:ns:metalink";

/** Where a URL without a priority stands: RFC 5854 §4.2.16.2. */
const LAST = 999_999;

/**
 * Reads a document.
 *
 * @throws {DownloadError} UNREADABLE, saying what is wrong with it.
 */
export async function readMetalink(text: string): Promise<MetalinkFile[]> {
  if (text.length > LONGEST_METALINK) {
    throw unreadable(`is longer than ${LONGEST_METALINK} characters`);
  }
  const { parseXml, XmlElement } = await loadParser();
  let root: Element | null;
  try {
    ({ root } = parseXml(text));
  } catch {
    // The parser's own words hold what the document does.
    throw unreadable("is no XML that can be read");
  }
  const isElement = (node: unknown): node is Element =>
    node instanceof XmlElement;
  if (root === null || localName(root) !== "metalink") {
    throw unreadable('has no element "metalink" around all others');
  }
  if (!Object.values(root.attributes).includes(NAMESPACE)) {
    throw unreadable("is not of version 4 (RFC 5854)");
  }
  const childrenOf = (parent: Element, name: string) =>
    parent.children.filter(isElement).filter((one) => localName(one) === name);
  const files = childrenOf(root, "file").map((file): MetalinkFile => {
    const textsOf = (name: string) => childrenOf(file, name);
    const [first, ...rest] = urlsIn(textsOf("url"));
    const called = file.attributes.name ?? "";
    if (first === undefined) {
      throw unreadable(
        `has no URL of http or https for ${JSON.stringify(safeName(called))}`,
      );
    }
    const name = safeName(called);
    const size = textsOf("size")[0]?.text.trim() ?? "";
    return {
      name: name === "" ? null : name,
      directory: directoryIn(called),
      size: /^\d{1,15}$/.test(size) ? Number(size) : null,
      checksum: strongest(textsOf("hash")),
      urls: [first, ...rest],
    };
  });
  if (files.length === 0) throw unreadable("tells of no file");
  return files;
}

/** As much of the parser's element as is used. */
interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly unknown[];
  readonly text: string;
}

/** An element's name without the prefix of its namespace. */
function localName({ name }: Element): string {
  return name.slice(name.indexOf(":") + 1);
}

/** The directories in a file's name; null for none, or if they lead elsewhere. */
function directoryIn(name: string): string | null {
  const end = name.lastIndexOf("/");
  if (end < 0) return null;
  try {
    return parseDirectory(name.slice(0, end));
  } catch (error) {
    if (error instanceof DownloadError) return null;
    throw error;
  }
}

function urlsIn(elements: readonly Element[]): string[] {
  const urls = elements
    .map(({ attributes: { priority = "" }, text }) => ({
      url: text.trim(),
      priority: /^\d{1,6}$/.test(priority) ? Number(priority) : LAST,
    }))
    .filter(({ url }) => isUrl(url))
    .sort((a, b) => a.priority - b.priority)
    .map(({ url }) => url);
  return [...new Set(urls)];
}

/** Whether it may be fetched: what is asked for must be as it is written. */
function isUrl(url: string): boolean {
  try {
    parseUrl(url, LONGEST_METALINK);
    return true;
  } catch {
    return false;
  }
}

/** RFC 5854 §4.2.4: a hash without a type is no checksum of the file. */
function strongest(hashes: readonly Element[]): Checksum | null {
  const known = new Map(
    hashes.map(({ attributes: { type = "" }, text }) => [
      type.toLowerCase().replace("-", ""),
      text.trim().toLowerCase(),
    ]),
  );
  for (const algorithm of CHECKSUM_ALGORITHMS) {
    const digest = known.get(algorithm) ?? "";
    const isDigest = digest.length === CHECKSUM_DIGITS[algorithm] &&
      /^[0-9a-f]+$/.test(digest);
    if (isDigest) return { algorithm, digest };
  }
  return null;
}

function unreadable(
  fault: string,
  advice = ": check it, or add the file's own URL",
): DownloadError {
  const message = `The Metalink document ${fault}${advice}.`;
  return new DownloadError("UNREADABLE", message);
}

/** The parser, from an address that Deno cannot read ahead. */
async function loadParser(): Promise<typeof import("./xml.ts")> {
  const name = "./xml.ts";
  try {
    return await import(new URL(name, import.meta.url).href);
  } catch (error) {
    throw new DownloadError(
      "INTERNAL",
      "The parser of Metalink documents cannot be loaded: " +
        `${errorMessage(error)}. Run deno cache lib/origin/xml.ts where npm ` +
        "can be reached, then try again.",
      { cause: error },
    );
  }
}
