/** Real exFAT file systems, in image files. */

import { collect } from "./sluice.ts";

/** A mounted file system; disposing of it unmounts it and keeps the image. */
export interface Mounted extends AsyncDisposable {
  readonly path: string;
}

/**
 * Mounts an image until its standard input ends: a test that dies leaves no
 * mount behind.
 */
const MOUNT = `
set -e
loop=$(losetup --find --show "$1")
trap 'umount -l "$2"; losetup -d "$loop"' EXIT
mount.exfat-fuse "$loop" "$2" >/dev/null 2>&1
echo mounted
cat >/dev/null
`;

/**
 * Makes an image with an empty file system.
 *
 * @param size Bytes.
 */
export async function makeImage(path: string, size: number): Promise<void> {
  await Deno.writeFile(path, new Uint8Array());
  await Deno.truncate(path, size);
  const { success, stderr } = await new Deno.Command("mkfs.exfat", {
    args: [path],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

/** Mounts an image on an empty directory. */
export async function mountImage(
  image: string,
  path: string,
): Promise<Mounted> {
  const child = new Deno.Command("sh", {
    args: ["-c", MOUNT, "sh", image, path],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = collect(child);
  async function unmount(): Promise<void> {
    await child.stdin.close();
    await child.status;
    await output.ended;
  }
  try {
    await output.match(/mounted/);
  } catch (error) {
    await unmount();
    throw error;
  }
  return { path, [Symbol.asyncDispose]: unmount };
}

/** Why exFAT cannot be mounted here; null if it can. */
export async function whyNoExfat(): Promise<string | null> {
  const root = await Deno.makeTempDir({ prefix: "sluice-exfat-" });
  try {
    await makeImage(`${root}/image`, 2 ** 23);
    await Deno.mkdir(`${root}/disk`);
    await using _mounted = await mountImage(`${root}/image`, `${root}/disk`);
    return null;
  } catch (error) {
    return `exFAT cannot be mounted here, which takes root, loop devices, ` +
      `exfat-fuse and exfatprogs: ${error}`;
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}
