import { errorMessage } from "../base/error_message.ts";
import type { ErrorCode } from "./error_codes.ts";

export type { ErrorCode };

/** An error as plain data: class and code do not survive `postMessage`. */
export interface ErrorRecord {
  readonly code: ErrorCode;
  /** What is wrong and what to do about it; never holds a URL's secrets. */
  readonly message: string;
  /** How long the origin asks to be left alone, in milliseconds. */
  readonly retryAfter: number | null;
}

/** The one error that Sluice's own code throws. */
export class DownloadError extends Error {
  override readonly name = "DownloadError";
  readonly code: ErrorCode;
  readonly retryAfter: number | null;

  constructor(
    code: ErrorCode,
    message: string,
    options: { retryAfter?: number | null; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.retryAfter = options.retryAfter ?? null;
  }
}

/** The error for an id that no download has. */
export function unknownId(): DownloadError {
  return new DownloadError("UNKNOWN_ID", "There is no download of this id.");
}

/** The plain data of an error, to be sent to another thread or kept. */
export function toRecord(error: unknown): ErrorRecord {
  if (error instanceof DownloadError) {
    const { code, message, retryAfter } = error;
    return { code, message, retryAfter };
  }
  return { ...systemRecord(error), retryAfter: null };
}

/** The error that a record is of. */
export function fromRecord(
  { code, message, retryAfter }: ErrorRecord,
): DownloadError {
  return new DownloadError(code, message, { retryAfter });
}

/** EFBIG, on Linux and on macOS: Deno gives the error no `code`. */
const FILE_TOO_LARGE = /\(os error 27\)/;

/**
 * What the operating system said about a file. The message of a system error
 * names paths of the content directory, which every client that sees a download may see.
 */
function systemRecord(error: unknown): { code: ErrorCode; message: string } {
  const text = errorMessage(error);
  const code = error instanceof Error && "code" in error ? error.code : null;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return {
      code: "DISK_FULL",
      message:
        "The disk is full: make room, and ask for the download again if it " +
        "does not go on by itself.",
    };
  }
  if (FILE_TOO_LARGE.test(text)) {
    return {
      code: "FILE_TOO_LARGE",
      message: "The content directory's file system takes no file of this " +
        "size: FAT takes 4 GiB less one byte at most. Choose another " +
        "--content-directory (exFAT has no such limit), or raise the limit " +
        "for files (ulimit -f) if there is one.",
    };
  }
  if (code === "EXDEV") {
    return {
      code: "DISK",
      message: "The download's directory is on another file system than the " +
        "content directory, where no file can be moved to: unmount it and try " +
        "again, or add the download with another directory.",
    };
  }
  if (code === "EMFILE" || code === "ENFILE") {
    return {
      code: "TOO_MANY_FILES",
      message: "Too many files are open: raise the limit (ulimit -n), or " +
        "lower THREADS_AMOUNT.",
    };
  }
  if (
    error instanceof Deno.errors.NotFound ||
    error instanceof Deno.errors.AlreadyExists
  ) {
    return {
      code: "PART_LOST",
      message: `The part file was changed by somebody else: ${text}`,
    };
  }
  return code === null && !(error instanceof Deno.errors.NotCapable)
    ? { code: "INTERNAL", message: `Sluice made a mistake: ${text}` }
    : { code: "DISK", message: `Cannot use the content directory: ${text}` };
}
