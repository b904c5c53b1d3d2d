/** What tells the changes of the bucket, and can be begun anew. */

import type { KV, NatsConnection } from "./nats.ts";

/**
 * How long one try to begin waits for its answer, in milliseconds. It takes 5 to
 * 20; one that is given to a broker that was just killed is never answered.
 */
const TRY_WITHIN = 1_000;
/** How long to wait before trying again, in milliseconds ... */
const TRY_AGAIN = 100;
/** ... and for how long it is tried: brokers take some 5 s to choose a leader. */
const BEGUN_WITHIN = 15_000;

type Told = Awaited<ReturnType<KV["watch"]>>;
type ToldChange = Told extends AsyncIterable<infer Change> ? Change : never;

/** The changes of a bucket, in the order of revisions, until the connection ends. */
export interface Watch extends AsyncIterable<ToldChange> {
  /**
   * Begins anew after the last change that was told. What tells is at one broker,
   * and the connection may be to another: that it was killed is not noticed.
   */
  again(): void;
}

/** What a watch is begun with. */
export interface WatchTools {
  readonly nats: typeof import("./nats.ts");
  readonly connection: NatsConnection;
  /** The bucket's name. */
  readonly bucket: string;
}

/**
 * Begins to tell the changes from a revision on.
 *
 * @throws {Error} if no broker can, or the connection has ended.
 */
export async function beginWatch(
  { nats, connection, bucket }: WatchTools,
  from: number,
): Promise<Watch> {
  const js = nats.jetstream(connection, { timeout: TRY_WITHIN });
  const kv = await new nats.Kvm(js).open(bucket);
  let next = from;
  let isEnough = true;
  let told = await begin();

  async function begin(): Promise<Told> {
    const until = performance.now() + BEGUN_WITHIN;
    for (;;) {
      try {
        return await kv.watch(next > 1 ? { resumeFromRevision: next } : {});
      } catch (error) {
        if (connection.isClosed() || performance.now() > until) throw error;
        await new Promise((resolve) => setTimeout(resolve, TRY_AGAIN));
      }
    }
  }

  async function* changes(): AsyncGenerator<ToldChange> {
    for (;;) {
      for await (const change of told) {
        if (change.revision < next) continue;
        next = change.revision + 1;
        yield change;
      }
      if (isEnough) return;
      told = await begin();
      isEnough = true;
    }
  }

  return {
    [Symbol.asyncIterator]: changes,
    again() {
      isEnough = false;
      told.stop();
    },
  };
}
