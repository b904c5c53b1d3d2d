/** How a download must have ended. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { basename, fromFileUrl } from "@std/path";
import type { ErrorCode } from "../../lib/download/errors.ts";
import type { Status } from "../../lib/status/status.ts";
import { firstDifference, type OriginFile } from "./origin.ts";

/** Fails unless a download ended with the bytes of its file, and its name. */
export async function assertDownloaded(
  status: Status,
  whole: OriginFile,
  name?: string,
): Promise<void> {
  assertEquals([status.process_status, status.error], ["Downloaded", null]);
  assert(status.path_to_file !== null);
  const path = fromFileUrl(status.path_to_file);
  assertEquals(await firstDifference(path, whole), null);
  assertEquals([status.size, status.downloaded], [whole.size, whole.size]);
  if (name !== undefined) assertEquals(basename(path), name);
}

/** Fails unless a download failed with an error that says what to do. */
export function assertFailed(
  status: Status,
  code: ErrorCode,
  advice: RegExp = ADVICE,
): void {
  assertEquals(status.process_status, "Failed", JSON.stringify(status.error));
  assertEquals(status.error?.code, code);
  assertMatch(status.error?.message ?? "", advice);
  assertEquals(status.path_to_file, null);
  assertEquals(status.threads, 0);
}

const ADVICE = /\b(retry|check|add|refresh|name)\b/;
