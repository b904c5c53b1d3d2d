/** A file that takes long: does memory stay where it is? */

import { statfs } from "node:fs/promises";
import { startNginx } from "../../support/nginx.ts";
import { connect, startSluice } from "../../support/sluice.ts";
import { bareDeno } from "../contenders.ts";
import { delay } from "../delay.ts";
import { measureCommand, resetPeak, usageOf } from "../meter.ts";
import type { Scenario } from "../scenario.ts";

const GiB = 2 ** 30;
/** The file, or what the disk has room for, as Sluice would refuse more. */
const FILE_BYTES = 100 * GiB;
/** As much is fetched of it, or what comes in a minute. */
const FETCHED_BYTES = 24 * GiB;
const LONGEST = 60_000;
const THREADS = 64;
const BARE = bareDeno("bare Deno", 16 * 2 ** 20, THREADS);

/** 100 GiB with 64 threads, of which the first minute is looked at. */
export const long: Scenario = {
  name: "long",
  what: "the first 24 GiB of a sparse file of 100 GiB, 64 threads",
  async run({ directory, sizeFactor, note }) {
    const root = `${directory}/source`;
    await Deno.mkdir(root);
    using file = await Deno.open(`${root}/file.bin`, {
      write: true,
      create: true,
    });
    const { bavail, bsize } = await statfs(directory);
    const most = Math.min(FILE_BYTES * sizeFactor, bavail * bsize * 0.9);
    const size = Math.ceil(most);
    const wanted = Math.ceil(FETCHED_BYTES * sizeFactor);
    await file.truncate(size);
    await using nginx = await startNginx({ root, workers: "auto" });
    await using sluice = await startSluice({
      directory: `${directory}/target`,
      environment: {
        THREADS_AMOUNT: `${THREADS}`,
        THREADS_PER_HOST: `${THREADS}`,
      },
    });
    await using client = await connect(sluice.url);
    const started = performance.now();
    const before = await usageOf(sluice.pid);
    const id = await client.add({ url: `${nginx.url}/file.bin` });
    let bytes = 0;
    let early = 0;
    client.socket.addEventListener("message", ({ data }) => {
      const message = JSON.parse(data);
      if (!Array.isArray(message.data)) return;
      for (const status of message.data) bytes = status.downloaded;
    });
    while (bytes < wanted && performance.now() - started < LONGEST) {
      await delay(100);
      if (early === 0 && bytes > wanted / 4) {
        early = (await usageOf(sluice.pid)).peak;
        await resetPeak(sluice.pid);
      }
    }
    const seconds = (performance.now() - started) / 1000;
    const { cpu, peak } = await usageOf(sluice.pid);
    await client.request({ action: "remove", id });
    const [got, of] = [bytes, size].map((n) => (n / GiB).toFixed(1));
    note(`${got} of ${of} GiB in ${seconds.toFixed(1)} s`);
    // As much: the first GiB costs less than those that the disk waits for.
    const curl = await measureCommand([
      ...["curl", "--silent", "--fail", "--range", `0-${bytes - 1}`],
      ...["--output", `${directory}/curl`, `${nginx.url}/file.bin`],
    ]);
    await Deno.remove(`${directory}/curl`);
    await file.truncate(bytes);
    await using bare = await BARE.prepare({
      origin: nginx.url,
      names: ["file.bin"],
      source: root,
      target: await Deno.makeTempDir({ dir: directory }),
      caFile: null,
    });
    const deno = await bare.run();
    return {
      kind: "figures",
      figures: [
        { name: "peak, first quarter", value: early, unit: "bytes", aim: "" },
        {
          name: "peak after it",
          value: peak,
          unit: "bytes",
          aim: "≤ 150 MB, and as before",
        },
        {
          name: "CPU of a GiB",
          value: (cpu - before.cpu) / (bytes / GiB),
          unit: "s",
          aim: "≤ curl's",
        },
        {
          name: "curl's CPU of a GiB",
          value: curl.cpu / (bytes / GiB),
          unit: "s",
          aim: "",
        },
        {
          name: "bare Deno's CPU of a GiB",
          value: deno.cpu / (bytes / GiB),
          unit: "s",
          aim: "",
        },
        {
          name: "bare Deno's peak",
          value: deno.memory,
          unit: "bytes",
          aim: "",
        },
        {
          name: "speed",
          value: bytes / seconds / 2 ** 20,
          unit: "MiB/s",
          aim: "",
        },
      ],
    };
  },
};
