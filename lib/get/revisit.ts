/** Asks origins whether files have changed since they were fetched. */

import { together } from "../base/timers.ts";
import type { DownloadRequest, Validator } from "../download/download.ts";
import { contentLength } from "../origin/framing.ts";
import type { HttpAnswer } from "../origin/head.ts";
import { requestFor } from "../origin/request.ts";
import { carries, lastModified } from "../origin/validator.ts";
import { ask } from "../threads/ask.ts";
import { createAuthenticator } from "../threads/authenticator.ts";
import { startWatch } from "../threads/body.ts";
import { createClients } from "../threads/clients.ts";
import type { WorkerSettings } from "../threads/messages.ts";
import type { FinishedFile } from "./finished.ts";

/** How often it is looked whether an answer is late, in milliseconds. */
const LOOK_EVERY = 100;

/** What asks; disposing of it ends its connections. */
export interface Visitor extends Disposable {
  /**
   * Whether a file still is the one that a request brings. Of a file without
   * validator, size and time must be the origin's.
   *
   * @throws {DownloadError} if there is no answer.
   */
  isUnchanged(
    request: DownloadRequest,
    file: Omit<FinishedFile, "path">,
  ): Promise<boolean>;
}

/**
 * Makes what asks.
 *
 * @param interrupt Ends all that is asked.
 */
export function createVisitor(
  settings: Omit<WorkerSettings, "turns">,
  interrupt: AbortSignal,
): Visitor {
  const clients = createClients(settings);
  const authenticate = createAuthenticator();
  const manners = new Map();
  const nowAndThen = together(LOOK_EVERY);
  return {
    async isUnchanged(request, file) {
      const control = new AbortController();
      const end = () => control.abort(interrupt.reason);
      interrupt.addEventListener("abort", end);
      try {
        using watch = startWatch(control, { ...settings, nowAndThen });
        const { response } = await ask(
          requestFor(request, null),
          null,
          {
            ...settings,
            clients,
            authenticate,
            manners,
            conditions: conditionsOf(file.validator),
          },
          watch,
        );
        await response.body?.cancel();
        return isSame(response, file);
      } finally {
        interrupt.removeEventListener("abort", end);
      }
    },
    [Symbol.dispose]: () => clients[Symbol.dispose](),
  };
}

/** RFC 9110 §13.1: the headers that ask for a file only if it has changed. */
function conditionsOf(validator: Validator | null): Record<string, string> {
  if (validator === null) return {};
  if (validator.kind === "etag") return { "if-none-match": validator.value };
  const { value, weak } = validator;
  return {
    "if-modified-since": value,
    ...(weak !== undefined && { "if-none-match": weak }),
  };
}

function isSame(
  { status, headers }: Pick<HttpAnswer, "status" | "headers">,
  { size, modified, validator }: Omit<FinishedFile, "path">,
): boolean {
  if (status === 304) {
    // Some caches answer so to every condition.
    const etag = headers.get("etag");
    const isOther = etag !== null && validator?.kind === "etag" &&
      bare(etag) !== bare(validator.value);
    return validator !== null && !isOther;
  }
  // An origin may know no conditions, and send the file.
  const length = contentLength(headers);
  if (status !== 200 || (length ?? size) !== size) return false;
  if (validator !== null) return carries(headers, validator);
  return length !== null && lastModified(headers) === modified;
}

/** RFC 9110 §13.1.2: whether a tag is strong does not count here. */
function bare(etag: string): string {
  return etag.trim().replace(/^W\//, "");
}
