/** Small disks, in memory. */

import { assert, assertMatch } from "@std/assert";
import { type Directory, makeDirectory } from "./directory.ts";

async function mount(directory: string): Promise<boolean> {
  const args = ["-t", "tmpfs", "-o", "size=8m", "tmpfs", directory];
  try {
    return (await new Deno.Command("mount", { args }).output()).success;
  } catch {
    return false;
  }
}

async function unmount(directory: string): Promise<void> {
  const { success } = await new Deno.Command("umount", {
    args: ["-l", directory],
  }).output();
  assert(success);
}

/** Whether disks can be mounted; says so if not. */
export async function canMount(): Promise<boolean> {
  await using directory = await makeDirectory();
  const mounted = await mount(directory.path);
  if (mounted) await unmount(directory.path);
  else console.log("Left out: a disk of its own can be mounted by root only.");
  return mounted;
}

/** A disk of 8 MiB that goes with the test. */
export async function mountDisk(): Promise<Directory> {
  await using made = new AsyncDisposableStack();
  const directory = made.use(await makeDirectory());
  made.use(await mountOn(directory.path));
  const disk = made.move();
  return { ...directory, [Symbol.asyncDispose]: () => disk.disposeAsync() };
}

/** Mounts a disk of 8 MiB on a directory; disposing of it unmounts it. */
export async function mountOn(directory: string): Promise<AsyncDisposable> {
  assert(await mount(directory));
  return { [Symbol.asyncDispose]: () => unmount(directory) };
}

/** Fills a disk until `left` bytes are free. */
export async function fill(directory: string, left: number): Promise<void> {
  using ballast = await Deno.open(`${directory}/ballast`, {
    write: true,
    create: true,
  });
  const page = new Uint8Array(4096).fill(1);
  try {
    for (;;) await ballast.write(page);
  } catch (error) {
    assertMatch(String(error), /No space left/);
  }
  if (left > 0) await ballast.truncate((await ballast.stat()).size - left);
}

/** Takes away what {@linkcode fill} has filled the disk with. */
export function makeRoom(directory: string): Promise<void> {
  return Deno.remove(`${directory}/ballast`);
}
