/** What the errors of NATS's client mean, without what `QUEUE` keeps secret. */

import { DownloadError } from "../download/errors.ts";

/** Settings that nobody but the operator can put right. */
export class Unusable extends Error {}

/** The code that JetStream gives an error; null for none. */
export function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : null;
}

/**
 * What a client's error means.
 *
 * @param brokers The brokers' addresses, as they are shown.
 */
export function explained(error: unknown, brokers: string): Error {
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

/** What is said where a broker does not answer. */
export function unanswered(error: unknown): DownloadError {
  return new DownloadError(
    "STATE",
    "The queue's broker does not answer. Try again once it does.",
    { cause: error },
  );
}
