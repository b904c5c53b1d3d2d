/** Refusals as RFC 9457 wants them: problem details. Pure. */

import {
  DownloadError,
  type ErrorCode,
  toRecord,
} from "../../download/errors.ts";

/** What the door refuses by itself, besides what any client is refused. */
export const OWN_CODES = [
  "KEY_REUSED",
  "MEDIA_TYPE",
  "METHOD",
  "NOT_FOUND",
  "UNAUTHORIZED",
] as const;

/** What tells refusals apart. */
export type ProblemCode = ErrorCode | typeof OWN_CODES[number];

/** A refusal. */
export interface Problem {
  readonly status: number;
  readonly code: ProblemCode;
  /** What is wrong, and what to do about it, in sentences. */
  readonly detail: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The error for what is refused with a status of its own. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

/** The statuses of codes; 500 for all others, which are not the client's fault. */
const STATUSES: { readonly [Code in ErrorCode]?: number } = {
  BAD_REQUEST: 400,
  BAD_URL: 422,
  FORBIDDEN: 403,
  UNKNOWN_ID: 404,
  WRONG_STATE: 409,
  FILE_GONE: 410,
  TOO_MUCH: 429,
  STATE: 503,
  DISK_FULL: 507,
};

/** The names of the statuses in use, RFC 9110 and RFC 4918. */
const TITLES: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  410: "Gone",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
  507: "Insufficient Storage",
};

/** The codes of refusals that say a status only. */
const CODES: Readonly<Record<number, ProblemCode>> = {
  401: "UNAUTHORIZED",
  403: "FORBIDDEN",
  404: "NOT_FOUND",
  429: "TOO_MUCH",
  503: "TOO_MUCH",
};

/** The code of a refusal that says a status only. */
export function codeOf(status: number): ProblemCode {
  return CODES[status] ?? "BAD_REQUEST";
}

/** The refusal that an error stands for. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  const { code, message: detail } = toRecord(error);
  const isOurs = error instanceof DownloadError;
  return { status: isOurs ? STATUSES[code] ?? 500 : 500, code, detail };
}

/**
 * An answer that holds a refusal. Its type is about:blank, as codes, not URLs,
 * tell refusals apart, here as at all doors; so its title is the status's.
 */
export function refuse({ status, code, detail, headers }: Problem): Response {
  const title = TITLES[status] ?? "Error";
  const problem = { type: "about:blank", title, status, detail, code };
  return new Response(JSON.stringify(problem), {
    status,
    headers: {
      "content-type": "application/problem+json",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      ...headers,
    },
  });
}
