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

/** How long a full pipe is left to its reader, in milliseconds. */
const PATIENCE = 5;

/**
 * Writes all bytes to an output of this process. Another process that has the same
 * pipe or terminal may have made it non-blocking: where it is full, its reader is
 * waited for all the same.
 *
 * @throws what the system says.
 */
export function writeOutSync(
  output: Pick<Deno.FsFile, "writeSync">,
  bytes: Uint8Array,
): void {
  const never = new Int32Array(new SharedArrayBuffer(4));
  const patient = {
    writeSync(bytes: Uint8Array): number {
      try {
        return output.writeSync(bytes);
      } catch (error) {
        if (!(error instanceof Deno.errors.WouldBlock)) throw error;
        Atomics.wait(never, 0, 0, PATIENCE);
        return 0;
      }
    },
  };
  writeAllSync(patient, bytes);
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
