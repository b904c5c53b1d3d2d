/** Transfers in the state that a test begins with. */

import {
  createDownload,
  type DownloadRequest,
  type FileFacts,
} from "../../lib/download/download.ts";
import type { ErrorRecord } from "../../lib/download/errors.ts";
import {
  createTransfer,
  failed,
  gotAnswer,
  learn,
  type Thread,
  type Transfer,
} from "../../lib/transfer/transfer.ts";
import {
  type Circumstances,
  type Follows,
  judge,
} from "../../lib/transfer/verdict.ts";

/** What a client asks for who gives a URL and nothing else. */
export const REQUEST: DownloadRequest = {
  url: "https://origin.test/file",
  filename: null,
  headers: {},
  checksum: null,
  threads: null,
};

/** A transfer that nothing is known of yet. */
export function freshTransfer(
  request: Partial<DownloadRequest> = {},
  fields: Partial<Transfer> = {},
): Transfer {
  const download = createDownload({ ...REQUEST, ...request }, 0);
  return { ...createTransfer(download, [], 0), ...fields };
}

/** A transfer whose origin gives slices of a file that does not change. */
export function slicedTransfer(
  size: number,
  request: Partial<DownloadRequest> = {},
  fields: Partial<Transfer> = {},
): Transfer {
  const validator = { kind: "etag", value: '"1"' } as const;
  const file = { size, ranges: true, validator, name: "file" };
  return freshTransfer(request, { file, ...fields });
}

/** The first answer comes, and tells what the file is and where it ends. */
export function answer(
  transfer: Transfer,
  thread: Thread,
  file: FileFacts,
  end: number,
  now = thread.startedAt + 100,
): void {
  const { validator } = file;
  gotAnswer(transfer, thread, { location: null, end, validator }, now);
  learn(transfer, thread, file);
}

/** Judges a failure and does to the transfer what the verdict says; what follows. */
export function fail(
  transfer: Transfer,
  error: ErrorRecord,
  circumstances: Circumstances,
): Follows {
  const { setback, follows } = judge(transfer, error, circumstances);
  failed(transfer, error, setback);
  return follows;
}
