/**
 * What Deno itself takes for the same work, with nothing of Sluice: a contender
 * that says how much of a figure is the runtime's.
 *
 * `bare.ts CA_FILE SLICE COUNT URL…`: each URL's file goes into the current
 * directory. CA_FILE is empty where nothing is encrypted; SLICE is how many bytes
 * are asked for at a time, or 0 for whole files; COUNT is how many slices or files
 * are fetched side by side.
 */

/** More gains nothing: a read brings no more at once. */
const READ_BYTES = 512 * 1024;
/** Small writes are what is slow: reads are gathered up to this many bytes. */
const WORTH_WRITING = 256 * 1024;

const [caFile = "", slice = "0", count = "1", ...urls] = Deno.args;
const client = Deno.createHttpClient({
  http1: true,
  http2: false,
  caCerts: caFile === "" ? [] : [Deno.readTextFileSync(caFile)],
});

if (Number(slice) > 0) {
  for (const url of urls) await fetchInSlices(url, Number(slice));
} else {
  await sideBySide(urls.values(), fetchFile);
}
Deno.exit(0);

async function sideBySide<Item>(
  items: IteratorObject<Item>,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  await Promise.all(Array.from({ length: Number(count) }, async () => {
    for (const item of items) await work(item);
  }));
}

/** Fetches, creates, writes, links, unlinks. */
async function fetchFile(url: string): Promise<void> {
  const name = nameOf(url);
  const part = `${name}.part`;
  using file = Deno.openSync(part, { write: true, createNew: true });
  await write(await ask(url), file, 0);
  Deno.linkSync(part, name);
  Deno.removeSync(part);
}

async function fetchInSlices(url: string, slice: number): Promise<void> {
  using file = Deno.openSync(nameOf(url), { write: true, createNew: true });
  const first = await ask(url, { range: `bytes=0-${slice - 1}` });
  const [, size] = first.headers.get("content-range")?.split("/") ?? [];
  await write(first, file, 0);
  const starts = Array.from(
    { length: Math.ceil(Number(size) / slice) - 1 },
    (_, n) => (n + 1) * slice,
  );
  await sideBySide(starts.values(), async (start) => {
    const range = `bytes=${start}-${start + slice - 1}`;
    await write(await ask(url, { range }), file, start);
  });
}

async function ask(url: string, headers = {}): Promise<Response> {
  const response = await fetch(url, { client, headers });
  if (!response.ok || response.body === null) throw new Error(url);
  return response;
}

/** Writes the body of an answer to a file that others write to, too. */
async function write(
  { body }: Response,
  file: Deno.FsFile,
  start: number,
): Promise<void> {
  const reader = body!.getReader({ mode: "byob" });
  let buffer = new ArrayBuffer(READ_BYTES);
  let at = start;
  for (let filled = 0;;) {
    const { value, done } = await reader.read(new Uint8Array(buffer, filled));
    filled += value?.length ?? 0;
    if (value !== undefined) buffer = value.buffer;
    if (filled >= WORTH_WRITING || done) {
      file.seekSync(at, Deno.SeekMode.Start);
      writeAll(file, new Uint8Array(buffer, 0, filled));
      at += filled;
      filled = 0;
    }
    if (done) break;
  }
}

function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
}

function nameOf(url: string): string {
  return url.slice(url.lastIndexOf("/") + 1);
}
