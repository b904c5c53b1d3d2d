/**
 * What Deno itself takes for the same work, with nothing of Sluice: a contender
 * that says how much of a figure is the runtime's.
 *
 * `bare.ts CA_FILE URL…`: each URL's file goes into the current directory.
 * CA_FILE is empty where nothing is encrypted.
 */

/** How many files are fetched at a time. */
const AT_A_TIME = 16;
/** More gains nothing: a read brings no more at once. */
const READ_BYTES = 512 * 1024;
/** Small writes are what is slow: reads are gathered up to this many bytes. */
const WORTH_WRITING = 256 * 1024;

const [caFile = "", ...urls] = Deno.args;
const client = Deno.createHttpClient({
  http1: true,
  http2: false,
  caCerts: caFile === "" ? [] : [Deno.readTextFileSync(caFile)],
});

const left = urls.values();
await Promise.all(Array.from({ length: AT_A_TIME }, async () => {
  for (const url of left) await fetchFile(url);
}));
Deno.exit(0);

/** Fetches, creates, writes, links, unlinks. */
async function fetchFile(url: string): Promise<void> {
  const name = url.slice(url.lastIndexOf("/") + 1);
  const response = await fetch(url, { client });
  if (!response.ok || response.body === null) throw new Error(url);
  const part = `${name}.part`;
  using file = Deno.openSync(part, { write: true, createNew: true });
  const reader = response.body.getReader({ mode: "byob" });
  let buffer = new ArrayBuffer(READ_BYTES);
  for (let filled = 0;;) {
    const { value, done } = await reader.read(new Uint8Array(buffer, filled));
    filled += value?.length ?? 0;
    if (value !== undefined) buffer = value.buffer;
    if (filled >= WORTH_WRITING || done) {
      writeAll(file, new Uint8Array(buffer, 0, filled));
      filled = 0;
    }
    if (done) break;
  }
  Deno.linkSync(part, name);
  Deno.removeSync(part);
}

function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
}
