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

/** A disk whose blocks lie in a file on another disk, and are taken as needed. */
export interface ThinDisk extends Directory {
  /** The directory of the disk below, which may be full when this one is not. */
  readonly below: string;
  /** Forces all of it to the disk below. */
  sync(): Promise<void>;
  /** Takes it off and mounts it again: what only memory held is gone. */
  remount(): Promise<void>;
}

/** Whether thin disks can be mounted; says so if not. */
export async function canMountThin(): Promise<boolean> {
  try {
    await using _disk = await mountThinDisk();
    return true;
  } catch (error) {
    console.log(`Left out: no thin disk can be mounted here: ${error}`);
    return false;
  }
}

/**
 * Mounts a disk of 64 MiB on a disk of 48 MiB in memory. It has no journal: that
 * would fail first, and nothing could be written at all.
 */
export async function mountThinDisk(): Promise<ThinDisk> {
  await using made = new AsyncDisposableStack();
  const lower = made.use(await makeDirectory());
  const upper = made.use(await makeDirectory());
  const below = lower.path;
  const image = `${below}/image`;
  await must("mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", below);
  made.defer(() => must("umount", "-l", below));
  await must("truncate", "--size=64M", image);
  await must("mkfs.ext4", "-q", "-O", "^has_journal", image);
  await must("mount", "-o", "loop", image, upper.path);
  made.defer(() => must("umount", "-l", upper.path));
  const disk = made.move();
  return {
    ...upper,
    below,
    sync: () => must("sync", "--file-system", upper.path),
    async remount() {
      await must("umount", upper.path);
      await must("mount", "-o", "loop", image, upper.path);
    },
    [Symbol.asyncDispose]: () => disk.disposeAsync(),
  };
}

async function must(command: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args })
    .output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}
