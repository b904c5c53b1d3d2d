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
 * @returns Null for the content directory itself.
 * @throws {DownloadError} BAD_REQUEST, saying what to mend.
 */
export function parseDirectory(value: unknown): string | null {
  if (typeof value !== "string" || value === "" || value.length > LONGEST) {
    throw wrong(`must be a path of at most ${LONGEST} characters`);
  }
  if (/^(\/|[a-z]:(\/|$))/i.test(value)) throw wrong(OUTSIDE);
  if (value.includes("\\")) throw wrong("must have / between its parts");
  if (/\p{Cc}/u.test(value)) throw wrong("may hold no control characters");
  const parts = value.replace(/\/$/, "").split("/")
    .filter((part) => part !== ".");
  return parts.length === 0 ? null : parts.map(safePart).join("/");
}

function safePart(part: string): string {
  if (part === "") throw wrong("may have no empty parts");
  if (part === "..") throw wrong("may not lead up (..)");
  // What a shell would read as somebody's home.
  if (part === "~") throw wrong(OUTSIDE);
  const safe = safeName(part);
  if (OWN.test(part) || OWN.test(safe)) {
    throw wrong("may not name .sluice, which is Sluice's own");
  }
  if (safe !== "") return safe;
  throw wrong(`has a part without a letter that may be in a name: ${part}`);
}

function wrong(fault: string): DownloadError {
  return new DownloadError(
    "BAD_REQUEST",
    `"directory" ${fault}: write it as films/2026.`,
  );
}
