/**
 * The one bucket that holds the queue: how it is made, how its changes are heard,
 * and how it is told from another of the same name.
 */

import { errorMessage } from "../base/error_message.ts";
import type { Log } from "../base/log.ts";
import type { Entry, Lease } from "./entry.ts";
import { codeOf, Unusable } from "./broker_errors.ts";
import type { JetStreamClient, KV } from "./nats.ts";
import type { Watch } from "./watch.ts";

/** What of the bucket's layout an older or newer Sluice would not understand. */
const LAYOUT = "Sluice's queue, layout 1";
/** How many keys are read at a time. */
const READING = 64;
/** The header of a message that tells what it compared with. */
const COMPARED_WITH = "Nats-Expected-Last-Subject-Sequence";
/** What JetStream calls a bucket that is not there. */
const STREAM_NOT_FOUND = 10059;

/** What a key holds. */
export type Value = Entry | Lease;

/** What a bucket has of a key. */
export type Found<Held = Value> =
  | { readonly kind: "there"; readonly value: Held; readonly revision: number }
  /** It was there, and was removed. */
  | { readonly kind: "removed"; readonly revision: number }
  /**
   * The bucket has no trace of it: it was made anew, or its removals were cleared
   * away. Of what is on disk, that tells nothing.
   */
  | { readonly kind: "unknown" };

/** A change that is heard. Keys are `d.<id>` and `n.<session>`. */
export interface Change {
  readonly key: string;
  /** Null for a key that was deleted. */
  readonly value: Value | null;
  readonly revision: number;
}

/** A bucket as a connection has found it. */
export interface Bucket {
  readonly name: string;
  readonly kv: KV;
  /** When it was made, which tells it from others of the same name. */
  readonly created: string;
  /** The revision of its last change, as it was found. */
  readonly last: number;
  /** How many brokers keep it. */
  readonly replicas: number;
}

/** How a bucket is made if there is none. */
export interface BucketOptions {
  readonly name: string;
  /** How many brokers keep it. */
  readonly replicas: number;
  /** The brokers' addresses, as they are shown. */
  readonly brokers: string;
}

/**
 * Opens the bucket, and makes it if there is none.
 *
 * @throws {Unusable} if another version of Sluice has made it.
 * @throws what the client says if the brokers cannot keep it, or do not answer.
 */
export async function openBucket(
  js: JetStreamClient,
  { Kvm }: Pick<typeof import("./nats.ts"), "Kvm">,
  { name, replicas, brokers }: BucketOptions,
): Promise<Bucket> {
  const kv = await new Kvm(js).create(name, {
    replicas,
    history: 1,
    allow_direct: false,
    description: LAYOUT,
  });
  const { streamInfo: { config, created, state } } = await kv.status();
  if (config.description !== LAYOUT) {
    throw new Unusable(
      `The bucket ${name} at ${brokers} is not of this version of Sluice: ` +
        "give QUEUE another name, or run the same version everywhere.",
    );
  }
  return {
    name,
    kv,
    created: String(created),
    last: state.last_seq,
    replicas: config.num_replicas,
  };
}

/** The last change of a key. */
export interface LastChange {
  /** What it wrote; an empty text for a removal. */
  readonly text: string;
  readonly revision: number;
  /** The revision that it compared with. */
  readonly against: number;
}

/**
 * Finds the last change of a key; null for a key that never was there.
 *
 * @throws what the client says if nobody answers.
 */
export async function findLastChange(
  js: JetStreamClient,
  { name }: Bucket,
  key: string,
): Promise<LastChange | null> {
  const { streams } = await js.jetstreamManager(false);
  const message = await streams.getMessage(`KV_${name}`, {
    last_by_subj: `$KV.${name}.${key}`,
  });
  return message && {
    text: message.string(),
    revision: message.seq,
    against: Number(message.header.get(COMPARED_WITH)),
  };
}

/**
 * Finds what a bucket has of a key.
 *
 * @throws what the client says if nobody answers.
 */
export async function findKey({ kv }: Bucket, key: string): Promise<Found> {
  // What is no key is none of a download's: ids are what clients send.
  if (!/^[\w\-]+\.[\w\-]+$/.test(key)) return { kind: "unknown" };
  const found = await kv.get(key);
  if (found === null) return { kind: "unknown" };
  const { operation, revision } = found;
  return operation === "PUT"
    ? { kind: "there", value: found.json<Value>(), revision }
    : { kind: "removed", revision };
}

/**
 * Reads what all keys of a kind hold.
 *
 * @throws {Error} if another bucket of its name has taken its place.
 * @throws what the client says if nobody answers, or there is none any more.
 */
export async function listKeys(
  js: JetStreamClient,
  bucket: Bucket,
  kind: string,
): Promise<Change[]> {
  const prefix = `$KV.${bucket.name}.`;
  const { streams } = await js.jetstreamManager(false);
  // The client's own list of keys waits for a number of messages, of which those
  // that are replaced meanwhile never come: of 360 lists, 8 had no end while leases
  // were renewed.
  const { created, state: { subjects = {} } } = await streams.info(
    `KV_${bucket.name}`,
    { subjects_filter: `${prefix}${kind}.*` },
  );
  if (String(created) !== bucket.created) throw new Error("It was made anew.");
  const keys = Object.keys(subjects)
    .map((subject) => subject.slice(prefix.length));
  const listed: Change[] = [];
  while (keys.length > 0) {
    const some = keys.splice(0, READING);
    const found = await Promise.all(some.map((key) => findKey(bucket, key)));
    for (const [n, one] of found.entries()) {
      if (one.kind === "there") listed.push({ key: some[n] ?? "", ...one });
    }
  }
  return listed;
}

/**
 * What has become of a bucket that was opened. It is gone, too, if another server
 * has made one of its name since.
 */
export type Fate = "there" | "behind" | "gone";

/**
 * Asks the brokers what has become of a bucket: it may have been deleted, its
 * storage emptied, or put back from an older copy.
 *
 * @param heard The last revision that was heard of it.
 * @throws what the client says if nobody can tell now.
 */
export async function fateOfBucket(
  { kv, created }: Bucket,
  heard: number,
): Promise<Fate> {
  try {
    const { streamInfo: { created: now, state } } = await kv.status();
    if (String(now) !== created) return "gone";
    return state.last_seq < heard ? "behind" : "there";
  } catch (error) {
    if (codeOf(error) === STREAM_NOT_FOUND) return "gone";
    throw error;
  }
}

/** Who hears the changes of a bucket. */
export interface BucketListener {
  /** A change, in the order of revisions. */
  onChange(change: Change): void;
  /**
   * All up to a revision is heard that was in the bucket as it began to be heard,
   * for the first time or again.
   */
  onReached(revision: number): void;
}

/**
 * Hears the changes of a bucket, until there is nothing more to hear. One that
 * cannot be read is logged, and those after it are heard.
 */
export async function hearChanges(
  watch: Watch,
  listener: BucketListener,
  log: Log,
): Promise<void> {
  for await (const told of watch) {
    if (told.kind === "reached") {
      listener.onReached(told.revision);
      continue;
    }
    const { key, operation, revision } = told.change;
    try {
      const value = operation === "PUT" ? told.change.json<Value>() : null;
      listener.onChange({ key, value, revision });
    } catch (error) {
      log("queue unread", { key, message: errorMessage(error) });
    }
  }
}
