/** Names by hard links: a link to a name that is taken fails. */

import { join } from "@std/path/join";
import { isSameFile, lstatIfThere, takeName } from "./names.ts";
import type { Named, Naming } from "./naming.ts";

/**
 * The part file stays, as a second link: until it is removed, which happens as
 * soon as the name is recorded, the number of links tells that it was named.
 */
export const links: Naming = {
  kind: "links",
  give: (part, directory, wanted) =>
    // `link` fails where the name is taken, and never follows or overwrites.
    takeName(directory, wanted, ({ path }) => link(part, path)),
  take: (path, part) => Deno.linkSync(path, part),
  find: findNames,
  isNamed(part) {
    const info = lstatIfThere(part);
    return info !== null && hasName(info);
  },
  isBegun: (part) => lstatIfThere(part) !== null,
  evidence: (part) => part,
  partOf: (path) => path,
  withdraw: () => {},
  identityOf,
  hasIdentity,
};

/**
 * Gives a file another path. A network's file system may have done so, lost its
 * answer and asked itself again, which then fails: the path tells (link(2), NFS).
 *
 * @throws what the system says; AlreadyExists if another file has the path.
 */
export function link(path: string, other: string): void {
  try {
    Deno.linkSync(path, other);
  } catch (error) {
    const isDone = error instanceof Deno.errors.AlreadyExists &&
      isSameFile(path, other);
    if (!isDone) throw error;
  }
}

function findNames(
  directory: string,
  parts: readonly string[],
): ReadonlyMap<string, Named> {
  const wanted = new Map<string, string>();
  for (const part of parts) {
    const info = lstatIfThere(part);
    if (info !== null && hasName(info)) wanted.set(inodeOf(info), part);
  }
  const found = new Map<string, Named>();
  if (wanted.size === 0) return found;
  for (const { name } of Deno.readDirSync(directory)) {
    const path = join(directory, name);
    const info = lstatIfThere(path);
    const part = info && wanted.get(inodeOf(info));
    if (part) {
      const { size } = info;
      found.set(part, { name, path, size, identity: identityOf(info) });
    }
    if (found.size === wanted.size) break;
  }
  return found;
}

function hasName({ nlink }: Deno.FileInfo): boolean {
  return (nlink ?? 1) > 1;
}

/**
 * An inode number alone does not tell files apart: a later file may get it. Size
 * and time of modification tell of a file that was moved to another file system.
 */
function identityOf({ ino, birthtime, size, mtime }: Deno.FileInfo): string {
  const [born, modified] = [birthtime, mtime]
    .map((time) => time?.getTime() ?? "");
  return `${ino} ${born} ${size} ${modified}`;
}

/**
 * Whether it is the same inode, whatever was written to it, or a copy that kept
 * the time. A time of whole seconds may have been given to several files: by the
 * origin, or by what unpacked them. Old identities are of the inode only. Where
 * the file system keeps no time of birth, a later file may have got the inode: it
 * is known by its size and its time, too.
 */
function hasIdentity(info: Deno.FileInfo, identity: string): boolean {
  const [ino, born, size, modified] = identity.split(" ");
  const [inoNow, bornNow, sizeNow, modifiedNow] = identityOf(info).split(" ");
  if (ino === inoNow && born === bornNow) {
    return born !== "" || size === undefined ||
      size === sizeNow && modified === modifiedNow;
  }
  const tells = Number(modified) % 1000 > 0;
  return tells && size === sizeNow && modified === modifiedNow;
}

function inodeOf({ dev, ino }: Deno.FileInfo): string {
  return `${dev} ${ino}`;
}
