/** Writing all of some bytes. */

/**
 * Writes all bytes, however few of them the system takes at once.
 *
 * @throws what the system says.
 */
export function writeAllSync(
  writer: Pick<Deno.FsFile, "writeSync">,
  bytes: Uint8Array,
): void {
  for (let done = 0; done < bytes.length;) {
    done += writer.writeSync(bytes.subarray(done));
  }
}
