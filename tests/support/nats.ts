/** NATS's client for tests, and the keys that its server knows users by. */

import { connect, jetstream, Kvm } from "../../lib/cluster/nats.ts";
import { nkeys } from "./nkeys.ts";

/** Makes a bucket that something else than this version of Sluice made. */
export async function makeBucket(
  address: string,
  name: string,
  description: string,
): Promise<void> {
  const connection = await connect({ servers: address, resolve: false });
  try {
    const kvm = new Kvm(jetstream(connection));
    await kvm.create(name, { description });
  } finally {
    await connection.close();
  }
}

/** Deletes the bucket of a queue, whoever is connected. */
export async function deleteBucket(
  address: string,
  queue: string,
): Promise<void> {
  const connection = await connect({ servers: address, resolve: false });
  try {
    const { streams } = await jetstream(connection).jetstreamManager();
    await streams.delete(`KV_sluice_${queue}`);
  } finally {
    await connection.close();
  }
}

/** Clears removals away from the bucket of a queue, as `nats kv compact` does. */
export async function compactBucket(
  address: string,
  queue: string,
): Promise<void> {
  const connection = await connect({ servers: address, resolve: false });
  const stream = `KV_sluice_${queue}`;
  try {
    const { streams } = await jetstream(connection).jetstreamManager();
    const { state } = await streams.info(stream, { subjects_filter: ">" });
    for (const filter of Object.keys(state.subjects ?? {})) {
      const last = await streams.getMessage(stream, { last_by_subj: filter });
      const isRemoval = last?.header.has("KV-Operation");
      if (isRemoval) await streams.purge(stream, { filter });
    }
  } finally {
    await connection.close();
  }
}

type KeyPair = ReturnType<typeof nkeys.createUser>;

/** A user that a broker knows by its key. */
export interface NkeyUser {
  /** What the broker's configuration says of it. */
  readonly rules: string;
  readonly seed: string;
}

/** Makes a user with a key. */
export function makeNkeyUser(): NkeyUser {
  const user = nkeys.createUser();
  return {
    rules: `authorization { users: [{ nkey: "${user.getPublicKey()}" }] }`,
    seed: seedOf(user),
  };
}

/** A user whom an account vouches for, for which an operator vouches. */
export interface CredsUser {
  /** What the broker's configuration says of it. */
  readonly rules: string;
  /** The content of its .creds file. */
  readonly creds: string;
}

/** Makes an operator, an account that may keep a queue, and a user of it. */
export function makeCredsUser(): CredsUser {
  const operator = nkeys.createOperator();
  const account = nkeys.createAccount();
  const user = nkeys.createUser();
  // JetStream speaks to itself in an account of its own.
  const system = nkeys.createAccount();
  const unlimited = ["subs", "data", "payload", "imports", "exports", "conn"]
    .concat("leaf", "mem_storage", "disk_storage", "streams", "consumer")
    .map((name) => [name, -1] as const);
  const limits = { ...Object.fromEntries(unlimited), wildcards: true };
  const accountWord = signed(operator, account, { type: "account", limits });
  const systemWord = signed(operator, system, { type: "account" });
  const userWord = signed(account, user, {
    type: "user",
    ...{ subs: -1, data: -1, payload: -1 },
  });
  return {
    rules: `operator: ${signed(operator, operator, { type: "operator" })}\n` +
      `resolver: MEMORY\n` +
      `resolver_preload: { ${account.getPublicKey()}: ${accountWord}, ` +
      `${system.getPublicKey()}: ${systemWord} }\n` +
      `system_account: ${system.getPublicKey()}`,
    creds: framed("NATS USER JWT", userWord) +
      framed("USER NKEY SEED", seedOf(user)),
  };
}

function seedOf(pair: KeyPair): string {
  return new TextDecoder().decode(pair.getSeed());
}

function framed(name: string, text: string): string {
  return `-----BEGIN ${name}-----\n${text}\n------END ${name}------\n\n`;
}

/** What an issuer says of a subject, as a JSON Web Token of NATS's kind. */
function signed(issuer: KeyPair, subject: KeyPair, nats: object): string {
  const claims = {
    jti: crypto.randomUUID(),
    iat: Math.floor(Date.now() / 1000),
    iss: issuer.getPublicKey(),
    sub: subject.getPublicKey(),
    nats: { ...nats, version: 2 },
  };
  const text = [{ typ: "JWT", alg: "ed25519-nkey" }, claims]
    .map((part) => encode(new TextEncoder().encode(JSON.stringify(part))))
    .join(".");
  const signature = issuer.sign(new TextEncoder().encode(text));
  return `${text}.${encode(Uint8Array.from(signature))}`;
}

function encode(bytes: Uint8Array<ArrayBuffer>): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}
