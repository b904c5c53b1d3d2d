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

type Changes = Awaited<ReturnType<KV["watch"]>>;
type ToldChange = Changes extends AsyncIterable<infer Change> ? Change : never;

/** What a bucket has at a time. */
interface Extent {
  /** The revision of its last change. */
  readonly last: number;
  /** That of the last change of which it still tells; 0 for none. */
  readonly told: number;
}

/** What a watch tells. */
export type Told =
  | { readonly kind: "change"; readonly change: ToldChange }
  /**
   * All up to a revision is told that was there as the watch began. The last
   * changes may have been cleared away by then: nobody tells those.
   */
  | { readonly kind: "reached"; readonly revision: number };

/** The changes of a bucket, in the order of revisions, until the connection ends. */
export interface Watch extends AsyncIterable<Told> {
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
  const { streams } = await js.jetstreamManager(false);
  const stream = `KV_${bucket}`;
  let next = from;
  let isEnough = true;
  let [changes, extent] = await begin();

  /** Begins to tell; only then, what there is to be told is known for certain. */
  async function beginOnce(): Promise<[Changes, Extent]> {
    const changes = await kv.watch(
      next > 1 ? { resumeFromRevision: next } : {},
    );
    try {
      const { state } = await streams.info(stream);
      const message = await streams.getMessage(stream, {
        last_by_subj: `$KV.${bucket}.>`,
      });
      return [changes, { last: state.last_seq, told: message?.seq ?? 0 }];
    } catch (error) {
      changes.stop();
      throw error;
    }
  }

  async function begin(): Promise<[Changes, Extent]> {
    const until = performance.now() + BEGUN_WITHIN;
    for (;;) {
      try {
        return await beginOnce();
      } catch (error) {
        if (connection.isClosed() || performance.now() > until) throw error;
        await new Promise((resolve) => setTimeout(resolve, TRY_AGAIN));
      }
    }
  }

  async function* tell(): AsyncGenerator<Told> {
    for (;;) {
      let isReached = false;
      if (extent.told < next) {
        isReached = true;
        yield reached();
      }
      for await (const change of changes) {
        if (change.revision < next) continue;
        next = change.revision + 1;
        yield { kind: "change", change };
        if (isReached || extent.told >= next) continue;
        isReached = true;
        yield reached();
      }
      if (isEnough) return;
      [changes, extent] = await begin();
      isEnough = true;
    }
  }

  function reached(): Told {
    next = Math.max(next, extent.last + 1);
    return { kind: "reached", revision: next - 1 };
  }

  return {
    [Symbol.asyncIterator]: tell,
    again() {
      isEnough = false;
      changes.stop();
    },
  };
}
