/** Which naming a file system takes. */

import { links } from "./links.ts";
import { lstatIfThere, removeIfThere } from "./names.ts";
import type { Naming, NamingKind } from "./naming.ts";
import { renames } from "./renames.ts";

/** The naming of a kind. */
export function namingOf(kind: NamingKind): Naming {
  return kind === "links" ? links : renames;
}

/**
 * What systems say to `link` where there are no hard links. Deno gives no `code`
 * for some, so that the numbers are looked at: EPERM, EMLINK, ENOSYS, ENOTSUP on
 * Linux and on macOS; ERROR_INVALID_FUNCTION and ERROR_NOT_SUPPORTED on Windows.
 */
const NO_LINKS = /\(os error (1|31|38|45|50|78|95)\)/;

/** The path of the link that {@linkcode findNaming} makes of a file for a moment. */
export function probeOf(file: string): string {
  return `${file}.link`;
}

/**
 * Finds out how files in a directory can be given names.
 *
 * @param file A file on the directory's file system, with one name.
 * @throws what the system says, if it is something else than that there are no
 * hard links.
 */
export function findNaming(file: string): Naming {
  const link = probeOf(file);
  removeIfThere(link);
  try {
    Deno.linkSync(file, link);
    // Some network shares do not count links: a crash would leave no evidence.
    const counted = (lstatIfThere(file)?.nlink ?? 1) > 1;
    return counted ? links : renames;
  } catch (error) {
    if (error instanceof Error && NO_LINKS.test(error.message)) return renames;
    throw error;
  } finally {
    removeIfThere(link);
  }
}
