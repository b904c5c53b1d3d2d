/**
 * How a part file becomes a finished file: in one step where the file system has
 * hard links, by way of a recorded intent where it has none.
 */

import type { Name } from "./names.ts";

/** A finished file whose name may not be recorded yet. */
export interface Named extends Name {
  /** See {@linkcode Naming.identityOf}. */
  readonly identity: string;
  /** Bytes. */
  readonly size: number;
}

/** A way of giving part files names, such that never is a file overwritten. */
export interface Naming {
  readonly kind: "links" | "renames";
  /**
   * Gives a part file a name, `name (1)` and so on where that is taken. What
   * {@linkcode evidence} names stays until it is removed.
   *
   * @param sync Whether what a crash must not lose is forced to disk before.
   * @throws what the system says.
   */
  give(
    part: string,
    directory: string,
    wanted: string,
    options: { sync: boolean },
  ): Promise<Name>;
  /**
   * Has a finished file be a part file again; it keeps its name where that is a
   * link.
   *
   * @throws what the system says; AlreadyExists if there is such a part.
   */
  take(path: string, part: string): void;
  /**
   * The names in a directory that part files were given before a crash, by the
   * parts' paths. The parts need not exist.
   */
  find(
    directory: string,
    parts: readonly string[],
  ): ReadonlyMap<string, Named>;
  /** Whether a part file has a name, and what is written to it is written there. */
  isNamed(part: string): boolean;
  /** Whether there is a part file, or what tells that it was given its name. */
  isBegun(part: string): boolean;
  /** The path of the file that tells of a name until that is recorded. */
  evidence(part: string): string;
  /** The path of the part file that a file beside part files belongs to. */
  partOf(path: string): string;
  /**
   * Takes back what was made for a part's name before that was given. To be done
   * before a part file is removed; a finished file stays.
   *
   * @throws what the system says.
   */
  withdraw(part: string, directory: string): void;
  /** A text that tells a file from all others, as long as the file exists. */
  identityOf(info: Deno.FileInfo): string;
  /** Whether a file is the one that an identity was recorded of. */
  hasIdentity(info: Deno.FileInfo, identity: string): boolean;
}

/** The name of a {@linkcode Naming}: functions do not survive `postMessage`. */
export type NamingKind = Naming["kind"];
