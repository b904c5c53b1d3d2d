/**
 * The connection to the brokers, and the one bucket that holds the queue: what
 * is written by comparing, and what is heard of all changes.
 */

import { errorMessage } from "../base/error_message.ts";
import type { Log } from "../base/log.ts";
import { DownloadError } from "../download/errors.ts";
import type { Entry, Lease } from "./entry.ts";
import { refuseTooLarge, ROOM_TO_GROW } from "./entry_size.ts";
import type { ConnectionOptions, KV, NatsConnection } from "./nats.ts";
import type { QueueAddress } from "./settings.ts";

/** What of the bucket's layout an older or newer Sluice would not understand. */
const LAYOUT = "Sluice's queue, layout 1";
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
/** How many keys are read at a time. */
const READING = 64;
/** What JetStream calls a write that compared with another revision. */
const WRONG_LAST_SEQUENCE = 10071;
/** Bytes that a message may have; brokers take 1 MiB. */
export const MOST_BYTES = 512 * 1024;

/** A write that compared with a revision that is not the last one any more. */
export const CONFLICT = new Error("It has been changed meanwhile.");

/** What a key holds; null for a key that was deleted. */
export type Value = Entry | Lease;

/** A change that is heard. Keys are `d.<id>` and `n.<session>`. */
export interface Change {
  readonly key: string;
  readonly value: Value | null;
  readonly revision: number;
}

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
export interface BrokerListener {
  /**
   * The bucket is there: from which revision on to hear.
   *
   * @param bucket What tells it from others of the same name.
   * @param last The revision of its last change.
   */
  onBucket(bucket: string, last: number): Promise<number>;
  /** A change, in the order of revisions. */
  onChange(change: Change): void;
  /** All that was in the bucket when this connection was made is heard. */
  onCaughtUp(): void;
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
   * Writes a key's value if its last revision is the given one, 0 for none. What
   * is not answered is sent again, and done once.
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
  /** What all keys of a kind hold now. */
  list(kind: "n"): Promise<Change[]>;
  /** Sends a message to all servers that listen. */
  tell(subject: string, data: unknown): void;
  /** Sends a message and waits for its answer; null if none comes in time. */
  ask(subject: string, data: unknown, within: number): Promise<unknown>;
  /** Connects anew: what should be heard is not. */
  reconnect(): void;
  /** How many writes have met a conflict. */
  conflicts(): number;
  close(): Promise<void>;
}

/** Settings that nobody but the operator can put right. */
export class Unusable extends Error {}

/** Makes a broker that is not connected yet. */
export async function createBroker(
  options: BrokerOptions,
  log: Log,
): Promise<Broker> {
  const nats = await loadClient();
  let listener!: BrokerListener;
  const { queue } = options;
  const bucket = `sluice_${queue.name}`;
  const brokers = queue.servers.join(", ");
  let connection: NatsConnection | null = null;
  let kv: KV | null = null;
  let connected = false;
  let closed = false;
  let conflicts = 0;
  let js: ReturnType<typeof nats.jetstream> | null = null;
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
      await openBucket(found);
    } catch (error) {
      connection = null;
      await found.close();
      throw explained(error, brokers);
    }
    follow(found);
  }

  async function openBucket(found: NatsConnection): Promise<void> {
    js = nats.jetstream(found, { timeout: 5_000 });
    kv = await new nats.Kvm(js).create(bucket, {
      replicas: options.replicas,
      history: 1,
      allow_direct: false,
      description: LAYOUT,
    });
    const { streamInfo: { config, created, state } } = await kv.status();
    if (config.description !== LAYOUT) {
      throw new Unusable(
        `The bucket ${bucket} at ${brokers} is not of this version of Sluice: ` +
          "give QUEUE another name, or run the same version everywhere.",
      );
    }
    const from = await listener.onBucket(String(created), state.last_seq);
    await watch(found, kv, from, state.last_seq);
    note(true);
    const subjects = [`${queue.name}.live`, `${queue.name}.to.${options.node}`];
    for (const subject of subjects) hear(found, subject);
  }

  async function watch(
    found: NatsConnection,
    kv: KV,
    from: number,
    last: number,
  ): Promise<void> {
    const changes = await kv.watch(
      from > 1 ? { resumeFromRevision: from } : {},
    );
    let caughtUp = false;
    function look(revision: number): void {
      if (caughtUp || revision < last) return;
      caughtUp = true;
      listener.onCaughtUp();
    }
    look(from - 1);
    (async () => {
      for await (const entry of changes) {
        const { key, operation, revision } = entry;
        const value = operation === "PUT" ? entry.json<Value>() : null;
        listener.onChange({ key, value, revision });
        look(revision);
      }
      // Who hears nothing any more begins anew.
      await found.close();
    })().catch((error) =>
      log("queue unread", { message: errorMessage(error) })
    );
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
        if (type === "reconnect") note(true);
      }
    })();
    const error = await ended;
    connection = kv = js = null;
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

  async function readKey(
    key: string,
  ): Promise<{ value: Value; revision: number } | null> {
    // What is no key is none of a download's: ids are what clients send.
    if (!/^[\w\-]+\.[\w\-]+$/.test(key)) return null;
    if (kv === null) throw unanswered(new Error("not connected"));
    const found = await kv.get(key).catch((error) => {
      throw unanswered(error);
    });
    return found === null || found.operation !== "PUT"
      ? null
      : { value: found.json<Value>(), revision: found.revision };
  }

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
      // Not a new one for each try: the broker knows what it has done already.
      const msgID = crypto.randomUUID();
      const data = value === null ? "" : JSON.stringify(value);
      refuseTooLarge(data, mostBytes(), 0);
      const headers = nats.headers();
      if (value === null) headers.set("KV-Operation", "DEL");
      for (;;) {
        try {
          if (js === null) throw new Error("not connected");
          const { seq } = await js.publish(`$KV.${bucket}.${key}`, data, {
            msgID,
            headers,
            timeout: Math.min(TRY_WITHIN, within),
            retries: 1,
            expect: { lastSubjectSequence: revision },
          });
          return seq;
        } catch (error) {
          if (codeOf(error) === WRONG_LAST_SEQUENCE) {
            conflicts++;
            throw CONFLICT;
          }
          if (closed || performance.now() > until) throw unanswered(error);
          await pause(TRY_AGAIN);
        }
      }
    },
    refuseTooLarge: (value) =>
      refuseTooLarge(JSON.stringify(value), mostBytes(), ROOM_TO_GROW),
    read: readKey,
    async list(kind) {
      if (js === null) throw unanswered(new Error("not connected"));
      const manager = await js.jetstreamManager(false);
      const prefix = `$KV.${bucket}.`;
      // The client's own list of keys waits for a number of messages, of which
      // those that are replaced meanwhile never come: of 360 lists, 8 had no end
      // while leases were renewed.
      const { state: { subjects = {} } } = await manager.streams
        .info(`KV_${bucket}`, { subjects_filter: `${prefix}${kind}.*` })
        .catch((error) => {
          throw unanswered(error);
        });
      const keys = Object.keys(subjects)
        .map((subject) => subject.slice(prefix.length));
      const found: Change[] = [];
      while (keys.length > 0) {
        const some = keys.splice(0, READING);
        const read = await Promise.all(some.map(async (key) => {
          const held = await readKey(key);
          return held && { key, ...held };
        }));
        found.push(...read.filter((change) => change !== null));
      }
      return found;
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
    reconnect: () => void connection?.close(),
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

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : null;
}

/** What a client's error means, without what `QUEUE` keeps secret. */
function explained(error: unknown, brokers: string): Error {
  if (error instanceof Unusable) return error;
  const { name = "", message = "", cause } = error instanceof Error
    ? error
    : {};
  const why = cause instanceof Error ? cause.message : message;
  if (name === "AuthorizationError" || name.startsWith("UserAuthentication")) {
    return new Unusable(
      `The queue's broker at ${brokers} refuses QUEUE's user and password, or ` +
        "QUEUE_CREDENTIALS: set those that it knows.",
    );
  }
  if (
    name === "JetStreamNotEnabled" || /jetstream is not enabled/i.test(message)
  ) {
    return new Unusable(
      `The broker at ${brokers} keeps no queue: start it with -js.`,
    );
  }
  if (
    /replicas > 1 not supported|insufficient resources|no suitable peers/i.test(
      message,
    )
  ) {
    return new Unusable(
      `The brokers at ${brokers} are too few for QUEUE_REPLICAS: set it to 1, ` +
        "or have as many of them in one cluster.",
    );
  }
  if (/certificate|UnknownIssuer|tls/i.test(`${message} ${why}`)) {
    return new Unusable(
      `The broker at ${brokers} cannot be spoken to by TLS as QUEUE and ` +
        `CA_FILE say: ${why}.`,
    );
  }
  return new Error(
    `The queue's broker at ${brokers} cannot be reached: ${message}`,
  );
}

function unanswered(error: unknown): DownloadError {
  return new DownloadError(
    "STATE",
    "The queue's broker does not answer. Try again once it does.",
    { cause: error },
  );
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
