/** The directory below the content directory that a file is to go to. Pure. */

import { DownloadError } from "./errors.ts";
import { safeName } from "./safe_name.ts";

/** Characters; macOS takes paths of 1,024 bytes, the content directory's too. */
const LONGEST = 500;

/** Sluice's own directory, as it is called, and as FAT may call it, too. */
const OWN = /^(\.sluice|sluice~\d+)$/i;
const OUTSIDE = "must be below the content directory";

/**
 * Reads a relative path, with `/` between its parts. Each part is made safe as a
 * file's name is; what would lead elsewhere is refused.
 *
 * @param field What it is called where it is asked for, for errors.
 * @returns Null for the content directory itself.
 * @throws {DownloadError} BAD_REQUEST, saying what to mend.
 */
export function parseDirectory(
  value: unknown,
  field = '"directory"',
): string | null {
  const wrong = (fault: string) =>
    new DownloadError(
      "BAD_REQUEST",
      `${field} ${fault}: write it as films/2026.`,
    );
  if (typeof value !== "string" || value === "" || value.length > LONGEST) {
    throw wrong(`must be a path of at most ${LONGEST} characters`);
  }
  if (/^(\/|[a-z]:(\/|$))/i.test(value)) throw wrong(OUTSIDE);
  if (value.includes("\\")) throw wrong("must have / between its parts");
  if (/\p{Cc}/u.test(value)) throw wrong("may hold no control characters");
  const parts = value.replace(/\/$/, "").split("/")
    .filter((part) => part !== ".");
  const fault = parts.map(faultOf).find((fault) => fault !== null);
  if (fault) throw wrong(fault);
  return parts.length === 0 ? null : parts.map(safeName).join("/");
}

/** A part of a path made of what others say; empty if nothing of it is left. */
export function safePart(text: string): string {
  const safe = safeName(text);
  return OWN.test(safe) ? `_${safe}` : safe;
}

/** Why a part may not be in a directory's path; null if it may. */
function faultOf(part: string): string | null {
  if (part === "") return "may have no empty parts";
  if (part === "..") return "may not lead up (..)";
  // What a shell would read as somebody's home.
  if (part === "~") return OUTSIDE;
  const safe = safeName(part);
  if (OWN.test(part) || OWN.test(safe)) {
    return "may not name .sluice, which is Sluice's own";
  }
  return safe === ""
    ? `has a part without a letter that may be in a name (${part})`
    : null;
}
