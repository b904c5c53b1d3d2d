/** Answers whose labels speak against their bytes: the first bytes decide. */

import type { Pinned } from "../download/download.ts";
import { DownloadError } from "../download/errors.ts";
import { type Coding, codingIn, isWebPage, mayBeIn } from "./content.ts";
import type { Head } from "./head.ts";
import { carries } from "./validator.ts";

/** What a label says of a body, and its first bytes have to tell. */
export type Doubt =
  | { readonly kind: "coded"; readonly coding: Coding }
  | { readonly kind: "page" };

/**
 * Doubts about a body whose label says that it is encoded, in spite of
 * `Accept-Encoding: identity`. The label may name the file's own format, as for
 * a `.tar.gz`, or nothing that the bytes bear out.
 *
 * @param start Where the body begins in the file.
 * @throws {DownloadError} ENCODED if the bytes at `start` could not tell.
 */
export function codingDoubts(
  { headers, names }: Head,
  pinned: Pinned | null,
  start: number,
): Doubt[] {
  const coding = codingIn(headers.get("content-encoding"));
  if (coding === null || pinned?.mislabelled === coding) return [];
  if (names.some((name) => OWN_EXTENSIONS[coding].test(name))) return [];
  if (start > 0) throw encoded(coding);
  return [{ kind: "coded", coding }];
}

function encoded(coding: Coding): DownloadError {
  return new DownloadError(
    "ENCODED",
    `The origin sent the file in the encoding ${coding}, which was not asked ` +
      "for: its bytes would not be the file's. Check the URL, or add another " +
      "one of the file.",
  );
}

/** Extensions of files in a coding, behind which others may follow. */
const OWN_EXTENSIONS: Readonly<Record<Coding, RegExp>> = {
  gzip: /\.(gz|tgz|gzip|svgz|emz|wmz)(?![a-z0-9])/i,
  compress: /\.(z|taz)(?![a-z0-9])/i,
  deflate: /\.(zlib|zz|deflate)(?![a-z0-9])/i,
  zstd: /\.(zst|tzst)(?![a-z0-9])/i,
  br: /\.br(?![a-z0-9])/i,
};

/**
 * Doubts about a web page in place of the file: many origins say "not found" or
 * "log in" with a page of status 200.
 *
 * @throws {DownloadError} WEB_PAGE if other answers have brought the file before.
 */
export function pageDoubts(
  { status, headers, names }: Head,
  pinned: Pinned | null,
): Doubt[] {
  const type = headers.get("content-type") ?? "";
  if (!/^\s*(text\/html|application\/xhtml\+xml)/i.test(type)) return [];
  // In place of a slice, a page is hardly a new version of the file.
  const plausible = pinned === null
    ? !names.some((name) => NEVER_WEB_PAGES.test(name))
    : status === 206 ||
      pinned.validator !== null && carries(headers, pinned.validator);
  if (plausible) return [];
  if (pinned !== null) throw webPage();
  return [{ kind: "page" }];
}

function webPage(): DownloadError {
  return new DownloadError(
    "WEB_PAGE",
    "The origin sent a web page instead of the file: open the URL in a " +
      "browser to see what it says, then add the file's own URL.",
  );
}

/**
 * Settles the doubts about a body: its first bytes decide, not the label.
 *
 * @param bytes The first `TELLING_BYTES` of the body, or all if it has fewer.
 * @throws {DownloadError} ENCODED or WEB_PAGE if a doubt was right.
 */
export async function settleDoubts(
  doubts: readonly Doubt[],
  bytes: Uint8Array,
): Promise<void> {
  for (const doubt of doubts) {
    if (doubt.kind === "page") {
      if (isWebPage(bytes)) throw webPage();
    } else if (await mayBeIn(doubt.coding, bytes)) {
      throw encoded(doubt.coding);
    }
  }
}

/** The coding that a label named and the bytes did not bear out, if any. */
export function mislabelledIn(doubts: readonly Doubt[]): Coding | null {
  return doubts.find((doubt) => doubt.kind === "coded")?.coding ?? null;
}

const NEVER_WEB_PAGES =
  /\.(zip|gz|tgz|xz|txz|bz2|zst|lz|7z|rar|tar|cab|deb|rpm|apk|jar|whl|iso|img|dmg|pkg|exe|msi|appimage|bin|vmdk|qcow2|pdf|epub|mp[34]|m4[av]|mkv|webm|avi|mov|flac|ogg|opus|wav|jpe?g|png|gif|webp|avif|torrent|safetensors|gguf|parquet|sqlite)$/i;
