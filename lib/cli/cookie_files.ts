/** Cookies from files as browsers' extensions, curl, wget and yt-dlp write them. */

import { resolve } from "@std/path/resolve";
import { errorMessage } from "../base/error_message.ts";
import { type Cookie, goesTo } from "../origin/cookies.ts";
import { refuseWithout } from "./permissions.ts";
import { UsageError } from "./usage.ts";

/**
 * Reads the cookies of a file in Netscape's format: seven fields between tabs a
 * line. `#HttpOnly_` before the domain is a mark of browsers; any other `#` begins
 * a comment.
 *
 * @param now Milliseconds since the epoch: cookies that end before are left out.
 * @returns null if it is no such file.
 */
export function parseCookieFile(text: string, now: number): Cookie[] | null {
  const cookies: Cookie[] = [];
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.replace(/^#HttpOnly_/, "");
    if (line.trim() === "" || line.startsWith("#")) continue;
    const fields = line.split("\t");
    const [domain = "", below, path = "", secure, end = "", name = ""] = fields;
    if (fields.length < 6 || fields.length > 7 || !/^\d+$/.test(end)) {
      return null;
    }
    const seconds = Number(end);
    // 0 is one that ends with the browser's session.
    if (seconds !== 0 && seconds * 1000 <= now) continue;
    cookies.push({
      name,
      value: fields[6] ?? "",
      domain: domain.replace(/^\./, "").toLowerCase(),
      hostOnly: below !== "TRUE",
      path: path.startsWith("/") ? path : "/",
      secure: secure === "TRUE",
    });
  }
  return cookies;
}

/**
 * The Cookie header of a URL with what cookies there are for it; null for none.
 * What is given for this URL itself counts before a cookie of the same name.
 */
export function cookiesFor(
  cookies: readonly Cookie[],
  url: URL,
  given: string | undefined,
): string | null {
  const pairs = (given ?? "").split(";").map((pair) => pair.trim())
    .filter((pair) => pair !== "");
  const names = new Set(pairs.map((pair) => pair.split("=")[0]));
  const found = cookies.filter((one) => goesTo(one, url))
    .filter(({ name }) => !names.has(name))
    .sort((a, b) => b.path.length - a.path.length)
    .map(({ name, value }) => `${name}=${value}`);
  const all = [...pairs, ...found];
  return all.length === 0 ? null : all.join("; ");
}

/**
 * Reads files of cookies.
 *
 * @throws {UsageError} if one cannot be read, or is none.
 */
export async function readCookieFiles(
  paths: readonly string[],
): Promise<ReadonlyMap<string, readonly Cookie[]>> {
  refuseWithout(paths.map((path) => ({ name: "read", path: resolve(path) })));
  const now = Date.now();
  const files = new Map<string, readonly Cookie[]>();
  for (const path of paths) {
    const cookies = parseCookieFile(await read(path), now);
    if (cookies === null) {
      // No line of it is shown: it holds secrets.
      throw new UsageError(
        `${path} is no file of cookies in Netscape's format.`,
      );
    }
    files.set(path, cookies);
  }
  return files;
}

async function read(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    throw new UsageError(
      `The file of cookies ${path} cannot be read: ${errorMessage(error)}.`,
    );
  }
}
