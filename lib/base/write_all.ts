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

/**
 * Writes all bytes to a connection.
 *
 * @throws what the system says.
 */
export async function writeAll(
  writer: Pick<Deno.Conn, "write">,
  bytes: Uint8Array,
): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    done += await writer.write(bytes.subarray(done));
  }
}
