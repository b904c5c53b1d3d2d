/**
 * What Sluice uses of NATS's client. It is imported by an address that Deno
 * cannot read ahead: a server without a shared queue never fetches it.
 */

export { jetstream, type JetStreamClient } from "npm:@nats-io/jetstream@3.4.0";
export { type KV, Kvm } from "npm:@nats-io/kv@3.4.0";
export {
  connect,
  type ConnectionOptions,
  credsAuthenticator,
  headers,
  type Msg,
  type NatsConnection,
  nkeyAuthenticator,
  usernamePasswordAuthenticator,
} from "npm:@nats-io/transport-node@3.4.0";
