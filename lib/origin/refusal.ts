/** Answers that bring no bytes of the file, by their status. */

import { DownloadError } from "../download/errors.ts";
import type { Head } from "./head.ts";
import { originTime, retryAfter } from "./http_date.ts";

/** The error for a status that brings no bytes of the file. */
export function refusal(
  { status, headers, isRelayed }: Head,
  now: number,
): DownloadError {
  const who = isRelayed ? "The origin, or the proxy before it," : "The origin";
  const said = `${who} answered ${status}`;
  const later = headers.get("retry-after");
  const wait = { retryAfter: retryAfter(later, originTime(headers, now)) };
  // GitHub's limit on requests, for one, is a 403 with a time to wait.
  if (status === 403 && later !== null) {
    return new DownloadError("BUSY", `${said}, and asks to wait.`, wait);
  }
  switch (status) {
    case 202:
      return new DownloadError(
        "BUSY",
        `${said}: it is still making the file; retry later.`,
        wait,
      );
    case 401:
    case 403:
    case 404:
    case 410:
      return new DownloadError(
        "EXPIRED",
        `${said}: ${REASON[status]}; check the URL, or get a new one. A ` +
          "server's download can be refreshed with it.",
      );
    case 407:
      return new DownloadError(
        "ORIGIN_STATUS",
        "The proxy wants credentials: name them in HTTP_PROXY or HTTPS_PROXY.",
      );
    case 408:
    case 425:
    case 429:
    case 503:
    case 509:
      return new DownloadError(
        "BUSY",
        `${said}: it is too busy; retry later.`,
        wait,
      );
    case 501:
    case 505:
      return new DownloadError(
        "ORIGIN_STATUS",
        `${said}: it cannot do this; check the URL.`,
      );
    case 400:
      return new DownloadError(
        "ORIGIN_STATUS",
        `${said}: it takes the request for a wrong one; check the URL. Some ` +
          "servers that want a client certificate say so in this way: name " +
          "one in CLIENT_CERT.",
      );
    default:
      return status >= 500
        ? new DownloadError(
          "ORIGIN_FAULT",
          `${said}: it is out of order; retry later.`,
          wait,
        )
        : new DownloadError(
          "ORIGIN_STATUS",
          `${said}: it gives no file; check the URL.`,
        );
  }
}

const REASON = {
  401: "it wants credentials, or the ones given are wrong",
  403: "it does not allow this, or the URL has expired",
  404: "there is no such file, or the URL has expired",
  410: "the file is gone, or the URL has expired",
} as const;
