/**
 * The connection to the brokers: what is written to the queue by comparing, and
 * what servers tell each other. Where the queue's bucket is not what it was, all
 * begins anew.
 */

import { errorMessage } from "../base/error_message.ts";
import type { Log } from "../base/log.ts";
import { DownloadError } from "../download/errors.ts";
import { codeOf, explained, unanswered, Unusable } from "./broker_errors.ts";
import {
  type Bucket,
  type BucketListener,
  type Change,
  fateOfBucket,
  findKey,
  findLastChange,
  type Found,
  hearChanges,
  listKeys,
  openBucket,
  type Value,
} from "./bucket.ts";
import { refuseTooLarge, ROOM_TO_GROW } from "./entry_size.ts";
import type {
  ConnectionOptions,
  JetStreamClient,
  NatsConnection,
} from "./nats.ts";
import { CONFLICT, createOutcomes } from "./outcomes.ts";
import type { QueueAddress } from "./settings.ts";
import { beginWatch, type Watch } from "./watch.ts";

/** How long the first connection may take, in milliseconds. */
const FIRST_WITHIN = 5_000;
/** How long to wait before connecting again, in milliseconds. */
const AGAIN = 1_000;
/** How long one try of a write waits for its answer, in milliseconds ... */
const TRY_WITHIN = 2_000;
/** ... and how long the write is tried. */
export const WRITE_WITHIN = 20_000;
/** How long to wait before trying again, in milliseconds. */
const TRY_AGAIN = 100;
/** After how many tries that nobody answered the bucket is looked at. */
const LOOKED_AFTER = 3;
/**
 * How often in turn a bucket may lack what was heard of it, before that counts as
 * lost: a broker that has just come to lead may have to catch up.
 */
const MOST_BEHIND = 3;
/** What JetStream calls a write that compared with another revision. */
const WRONG_LAST_SEQUENCE = 10071;
/** Bytes that a message may have; brokers take 1 MiB. */
export const MOST_BYTES = 512 * 1024;
/**
 * The key of what is written to learn that what came before is carried out; no
 * server reads it.
 */
const MARK = "b";

/** How the brokers are reached. */
export interface BrokerOptions {
  readonly queue: QueueAddress;
  /** The content of a .creds or nkey seed file; null for none. */
  readonly credentials: string | null;
  /** How many brokers keep the bucket. */
  readonly replicas: number;
  /** The connection's name. */
  readonly node: string;
  /** Authorities in PEM. */
  readonly caCerts: readonly string[];
}

/** Who hears what happens at the brokers. */
export interface BrokerListener extends BucketListener {
  /** The bucket is there: from which revision on to hear. */
  onBucket(bucket: Bucket): Promise<number>;
  onMessage(subject: string, data: unknown, answer: Answer): void;
}

/** Answers a message that wants to be. */
export type Answer = (data: unknown) => void;

/** The brokers. */
export interface Broker {
  /**
   * Connects, and goes on trying in the background if nobody is there.
   *
   * @throws {DownloadError} STATE if the brokers refuse what they are given.
   */
  start(listener: BrokerListener): Promise<void>;
  isConnected(): boolean;
  /**
   * Writes a key's value if its last revision is the given one, 0 for none: of
   * several that compare a download's with the same one, only one is done. What is
   * not answered is sent again, and done once.
   *
   * @param value Null to delete the key.
   * @param within How long to try, in milliseconds.
   * @returns The new revision.
   * @throws {CONFLICT} if the key has another revision.
   * @throws {DownloadError} BAD_REQUEST if the value is too large for the brokers.
   * @throws {DownloadError} STATE if no answer comes: then it may be done.
   */
  write(
    key: string,
    value: Value | null,
    revision: number,
    within?: number,
  ): Promise<number>;
  /**
   * Refuses a value that is too large for the brokers, or is once it has grown.
   *
   * @throws {DownloadError} BAD_REQUEST if it is.
   */
  refuseTooLarge(value: Value): void;
  /** What a key holds now; null for a key that is not there. */
  read(key: string): Promise<{ value: Value; revision: number } | null>;
  /** What is there of a key now: whether it was removed, or never was there. */
  find(key: string): Promise<Found>;
  /**
   * What all keys of a kind hold now, in the bucket that is heard.
   *
   * @throws {DownloadError} STATE if nobody answers, or it is not there any more.
   */
  list(kind: "n"): Promise<Change[]>;
  /** Sends a message to all servers that listen. */
  tell(subject: string, data: unknown): void;
  /** Sends a message and waits for its answer; null if none comes in time. */
  ask(subject: string, data: unknown, within: number): Promise<unknown>;
  /** Has the changes told anew from the last one on: what should be heard is not. */
  listenAgain(): void;
  /** How many writes have met a conflict. */
  conflicts(): number;
  close(): Promise<void>;
}

/** Makes a broker that is not connected yet. */
export async function createBroker(
  options: BrokerOptions,
  log: Log,
): Promise<Broker> {
  const nats = await loadClient();
  let listener!: BrokerListener;
  const { queue } = options;
  const name = `sluice_${queue.name}`;
  const brokers = queue.servers.join(", ");
  const bucketOptions = { name, brokers, replicas: options.replicas };
  let connection: NatsConnection | null = null;
  let js: JetStreamClient | null = null;
  /** What asks in a write, and waits no longer than the write itself. */
  let asking: JetStreamClient | null = null;
  let bucket: Bucket | null = null;
  let telling: Watch | null = null;
  /** The last revision that was heard of the bucket. */
  let heard = 0;
  let looking: Promise<void> | null = null;
  let connected = false;
  let closed = false;
  let conflicts = 0;
  /** What was said last, so that it is said once. */
  let said = "";

  function note(now: boolean, message?: string): void {
    connected = now;
    const what = now ? "queue connected" : "queue lost";
    if (what === said) return;
    said = what;
    log(what, { brokers, ...(message && { message }) });
  }

  async function connectOnce(): Promise<void> {
    const found = await nats.connect(connectionOptions(options, nats))
      .catch((error) => {
        throw explained(error, brokers);
      });
    try {
      connection = found;
      await open(found);
    } catch (error) {
      connection = null;
      await found.close();
      throw explained(error, brokers);
    }
    follow(found);
  }

  async function open(found: NatsConnection): Promise<void> {
    js = nats.jetstream(found, { timeout: 5_000 });
    asking = nats.jetstream(found, { timeout: TRY_WITHIN });
    bucket = await openBucket(js, nats, bucketOptions);
    heard = 0;
    const from = await listener.onBucket(bucket);
    heard = from - 1;
    telling = await beginWatch({ nats, connection: found, bucket: name }, from);
    const ended = hearChanges(telling, {
      // What an earlier connection still has to tell may be of another bucket.
      onChange(change) {
        if (connection !== found) return;
        heard = change.revision;
        listener.onChange(change);
      },
      onReached(revision) {
        if (connection !== found) return;
        heard = revision;
        listener.onReached(revision);
      },
    }, log);
    // Who hears nothing any more begins anew.
    ended.catch((error) =>
      log("queue unread", { message: errorMessage(error) })
    ).finally(() => found.close());
    note(true);
    const subjects = [`${queue.name}.live`, `${queue.name}.to.${options.node}`];
    for (const subject of subjects) hear(found, subject);
  }

  /**
   * Looks whether the bucket is still what is heard here, as soon as somebody can
   * tell, and begins anew if it is not. The client connects again by itself, and
   * goes on listening to a bucket that is gone, or to what comes in another one
   * after as many changes as this one had.
   */
  function look(): Promise<void> {
    return looking ??= lookOnce().finally(() => looking = null);
  }

  async function lookOnce(): Promise<void> {
    const [found, known] = [connection, bucket];
    if (found === null || known === null) return;
    let behind = 0;
    while (connection === found) {
      const fate = await fateOfBucket(known, heard).catch(() => null);
      if (fate === "there") return;
      if (fate === "behind") behind++;
      if (fate === "gone" || behind > MOST_BEHIND) {
        note(false, "The queue's bucket is not what it was: it is read anew.");
        return await found.close();
      }
      await pause(AGAIN);
    }
  }

  async function hear(found: NatsConnection, subject: string): Promise<void> {
    for await (const message of found.subscribe(subject)) {
      try {
        listener.onMessage(
          subject,
          message.json(),
          (data) => void message.respond(JSON.stringify(data)),
        );
      } catch (error) {
        log("queue unread", { message: errorMessage(error) });
      }
    }
  }

  /** Notes how the connection fares, until it ends for good. */
  async function follow(found: NatsConnection): Promise<void> {
    const ended = found.closed();
    (async () => {
      for await (const { type } of found.status()) {
        if (closed) return;
        if (type === "disconnect") note(false);
        if (type === "reconnect") {
          note(true);
          look();
        }
      }
    })();
    const error = await ended;
    connection =
      bucket =
      js =
      asking =
      telling =
        null;
    if (closed) return;
    note(false, error ? explained(error, brokers).message : undefined);
    retry();
  }

  async function retry(): Promise<void> {
    while (!closed) {
      await pause(AGAIN);
      try {
        if (!closed) await connectOnce();
        return;
      } catch (error) {
        note(false, errorMessage(error));
      }
    }
  }

  /** Bytes that a message may have, as far as the broker has said so. */
  function mostBytes(): number {
    return connection?.info?.max_payload ?? Infinity;
  }

  async function find(key: string): Promise<Found> {
    if (bucket === null) throw unanswered(new Error("not connected"));
    return await findKey(bucket, key).catch((error) => {
      throw unanswered(error);
    });
  }

  async function read(
    key: string,
  ): Promise<{ value: Value; revision: number } | null> {
    const found = await find(key);
    return found.kind === "there" ? found : null;
  }

  /**
   * Sends a value once.
   *
   * @param revision What to compare with; null for nothing.
   * @returns The new revision.
   */
  async function publish(
    key: string,
    text: string,
    { revision, isRemoval = false, within = TRY_WITHIN }: {
      readonly revision: number | null;
      readonly isRemoval?: boolean;
      readonly within?: number;
    },
  ): Promise<number> {
    if (js === null) throw new Error("not connected");
    const last = heard;
    const headers = nats.headers();
    if (isRemoval) headers.set("KV-Operation", "DEL");
    const { seq } = await js.publish(`$KV.${name}.${key}`, text, {
      headers,
      timeout: Math.min(TRY_WITHIN, within),
      retries: 1,
      ...(revision !== null && { expect: { lastSubjectSequence: revision } }),
    });
    // What is written is later than all that was heard before.
    if (seq <= last) look();
    return seq;
  }

  /**
   * Whether another write may take the place of an acknowledged one: brokers know
   * a first one as they carry it out, and the owner of a lease is the only one who
   * renews it.
   */
  function isOverwritable(key: string, revision: number): boolean {
    return revision > 0 && key.startsWith("d.") && (bucket?.replicas ?? 1) > 1;
  }

  const outcomeOf = createOutcomes({
    mark: async () => void await publish(MARK, "0", { revision: null }),
    async last(key) {
      if (asking === null || bucket === null) throw new Error("not connected");
      return await findLastChange(asking, bucket, key);
    },
  });

  return {
    async start(heard) {
      listener = heard;
      try {
        await connectOnce();
      } catch (error) {
        if (error instanceof Unusable) {
          throw new DownloadError("STATE", error.message);
        }
        note(false, errorMessage(error));
        retry();
      }
    },
    isConnected: () => connected,
    conflicts: () => conflicts,
    async write(key, value, revision, within = WRITE_WITHIN) {
      const until = performance.now() + within;
      const text = value === null ? "" : JSON.stringify(value);
      refuseTooLarge(text, mostBytes(), 0);
      let acknowledged: number | null = null;
      for (let tries = 1;; tries++) {
        try {
          if (tries > 1) {
            const written = { key, text, revision, acknowledged };
            const stands = await outcomeOf(written);
            if (stands !== null) return stands;
          }
          const isRemoval = value === null;
          const how = { revision, isRemoval, within };
          acknowledged = await publish(key, text, how);
          if (!isOverwritable(key, revision)) return acknowledged;
        } catch (error) {
          if (error === CONFLICT || codeOf(error) === WRONG_LAST_SEQUENCE) {
            conflicts++;
            // Only its holder renews a lease: it may have been another bucket's.
            if (key.startsWith("n.")) look();
            throw CONFLICT;
          }
          if (closed || performance.now() > until) throw unanswered(error);
          if (tries >= LOOKED_AFTER) look();
          await pause(TRY_AGAIN);
        }
      }
    },
    refuseTooLarge: (value) =>
      refuseTooLarge(JSON.stringify(value), mostBytes(), ROOM_TO_GROW),
    read,
    find,
    async list(kind) {
      if (js === null || bucket === null) {
        throw unanswered(new Error("not connected"));
      }
      try {
        return await listKeys(js, bucket, kind);
      } catch (error) {
        look();
        throw unanswered(error);
      }
    },
    tell(subject, data) {
      if (!connected) return;
      connection?.publish(`${queue.name}.${subject}`, JSON.stringify(data));
    },
    async ask(subject, data, within) {
      if (connection === null) return null;
      try {
        const answer = await connection.request(
          `${queue.name}.${subject}`,
          JSON.stringify(data),
          { timeout: within },
        );
        return answer.json();
      } catch {
        return null;
      }
    },
    listenAgain: () => telling?.again(),
    async close() {
      closed = true;
      await connection?.close();
    },
  };
}

/** NATS's client, from an address that Deno cannot read ahead. */
async function loadClient(): Promise<typeof import("./nats.ts")> {
  const name = "./nats.ts";
  return await import(new URL(name, import.meta.url).href);
}

function connectionOptions(
  { queue, credentials, node, caCerts }: BrokerOptions,
  nats: typeof import("./nats.ts"),
): ConnectionOptions {
  const { user } = queue;
  const bytes = new TextEncoder().encode(credentials ?? "");
  const authenticator = credentials !== null
    ? credentials.includes("-----BEGIN")
      ? nats.credsAuthenticator(bytes)
      : nats.nkeyAuthenticator(new TextEncoder().encode(credentials.trim()))
    : user && nats.usernamePasswordAuthenticator(user.name, user.password);
  return {
    servers: [...queue.servers],
    name: node,
    timeout: FIRST_WITHIN,
    resolve: false,
    ignoreClusterUpdates: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    pingInterval: 2_000,
    maxPingOut: 2,
    ...(authenticator && { authenticator }),
    ...(queue.tls && {
      tls: caCerts.length > 0 ? { ca: caCerts.join("\n") } : {},
    }),
  };
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
