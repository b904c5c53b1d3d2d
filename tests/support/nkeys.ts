/** The keys of NATS, which only tests make. */

export { nkeys } from "npm:@nats-io/transport-node@3.4.0";
