/** Checksums that origins publish: beside an answer, or in files beside a file. Pure. */

import {
  type Checksum,
  CHECKSUM_DIGITS,
  type ChecksumAlgorithm,
  type FoundChecksum,
} from "../download/checksum.ts";

/** Algorithms by how many digits they have, the strongest first. */
const STRONGEST: readonly ChecksumAlgorithm[] = [
  "sha512",
  "sha256",
  "sha1",
  "md5",
];

/** What headers call algorithms. */
const NAMES: Readonly<Record<string, ChecksumAlgorithm>> = {
  "sha-512": "sha512",
  "sha-256": "sha256",
  "sha": "sha1",
  "md5": "md5",
};

/**
 * The strongest checksum of the whole file that an answer names; null if it names
 * none. What is of a coding, of a part or of parts' checksums does not count.
 */
export function digestIn(headers: Headers): FoundChecksum | null {
  const coding = headers.get("content-encoding") ?? "identity";
  if (!/^identity$/i.test(coding.trim())) return null;
  const found = [
    ...reprDigests(headers.get("repr-digest") ?? ""),
    ...instanceDigests(headers.get("digest") ?? ""),
    ...googleHashes(headers),
    ...amazonChecksums(headers),
  ];
  return strongest(found);
}

/** RFC 9530 §3: a dictionary of byte sequences, of the whole representation. */
function reprDigests(value: string): FoundChecksum[] {
  const members = value.matchAll(/(?:^|,)\s*([a-z\d-]+)\s*=\s*:([^:]*):/g);
  return [...members].flatMap(([, name = "", text = ""]) =>
    checksum(NAMES[name], text, "Repr-Digest")
  );
}

/** RFC 3230 §4.3.2; with `id-`, of what no coding was applied to. */
function instanceDigests(value: string): FoundChecksum[] {
  return value.split(",").flatMap((member) => {
    const [, name = "", text = ""] =
      member.match(/^\s*(?:id-)?([a-z\d-]+)\s*=\s*(\S+)\s*$/i) ?? [];
    return checksum(NAMES[name.toLowerCase()], text, "Digest");
  });
}

/** Google's storage has an MD5 of each object that was not put together there. */
function googleHashes(headers: Headers): FoundChecksum[] {
  const stored = headers.get("x-goog-stored-content-encoding") ?? "identity";
  if (stored !== "identity") return [];
  const value = headers.get("x-goog-hash") ?? "";
  const [, text = ""] = value.match(/(?:^|,)\s*md5\s*=\s*([^\s,]+)/i) ?? [];
  return checksum("md5", text, "x-goog-hash");
}

/**
 * Checksums of S3's objects. One of an object in parts is of its parts' checksums,
 * and ends with their number.
 */
function amazonChecksums(headers: Headers): FoundChecksum[] {
  if (/composite/i.test(headers.get("x-amz-checksum-type") ?? "")) return [];
  return STRONGEST.flatMap((algorithm) => {
    const name = `x-amz-checksum-${algorithm}`;
    return checksum(algorithm, headers.get(name) ?? "", name);
  });
}

/** The checksum that a text in base64 is; none if it has another length. */
function checksum(
  algorithm: ChecksumAlgorithm | undefined,
  text: string,
  from: string,
): FoundChecksum[] {
  if (algorithm === undefined || text === "") return [];
  try {
    const digest = Uint8Array.fromBase64(text).toHex();
    const fits = digest.length === CHECKSUM_DIGITS[algorithm];
    return fits ? [{ algorithm, digest, from }] : [];
  } catch {
    return [];
  }
}

function strongest<Sum extends Checksum>(sums: readonly Sum[]): Sum | null {
  for (const algorithm of STRONGEST) {
    const found = sums.find((sum) => sum.algorithm === algorithm);
    if (found !== undefined) return found;
  }
  return null;
}

/** A line of a file of checksums. */
interface SumLine extends Checksum {
  /** Null where the digest stands alone. */
  readonly name: string | null;
}

/**
 * The strongest checksum that a text has for a file: in lines as `sha256sum`, BSD's
 * `sha256` and `openssl dgst` write them, or as a digest alone.
 *
 * @param names What the file is called.
 * @param isOwn Whether the text is of this file alone: then a single digest is
 * its, whatever name stands beside it.
 */
export function checksumIn(
  text: string,
  names: readonly string[],
  isOwn: boolean,
): Checksum | null {
  const lines = text.split(/[\r\n]+/).map(sumLine)
    .filter((line) => line !== null);
  const [only, ...more] = lines;
  if (only === undefined) return null;
  const isMeant = more.length === 0 && (isOwn || only.name === null);
  if (isMeant) return { algorithm: only.algorithm, digest: only.digest };
  const exact = lines.filter(({ name }) =>
    name !== null && names.includes(name.replace(/^\.\//, ""))
  );
  const below = lines.filter(({ name }) =>
    name !== null && names.includes(name.slice(name.lastIndexOf("/") + 1))
  );
  const found = strongest(exact.length > 0 ? exact : below);
  if (found === null) return null;
  const { algorithm, digest } = found;
  // Of two files of one name in two directories, either may be meant.
  const isClear = (exact.length > 0 ? exact : below).every((line) =>
    line.algorithm !== algorithm || line.digest === digest
  );
  return isClear ? { algorithm, digest } : null;
}

function sumLine(text: string): SumLine | null {
  const line = text.trim();
  // Whatever an origin has sent, each takes time in proportion to its length.
  const gnu = line.match(/^\\?([\da-f]{32,128})(?:\s+\*?(\S.*))?$/i);
  const bsd = line.match(/^[A-Z\d-]+\s*\((.+)\)\s*=\s*([\da-f]+)$/i);
  const digest = (gnu?.[1] ?? bsd?.[2] ?? "").toLowerCase();
  const algorithm = STRONGEST.find((name) =>
    CHECKSUM_DIGITS[name] === digest.length
  );
  if (algorithm === undefined) return null;
  return { algorithm, digest, name: gnu?.[2] ?? bsd?.[1] ?? null };
}

/** A file that may hold the checksum of another one. */
export interface SumFile {
  readonly url: string;
  /** Whether it is of that file alone. */
  readonly isOwn: boolean;
}

/** Files beside a URL's that may hold its checksum. */
export function sumFilesBeside(url: string): SumFile[] {
  const beside = new URL(url);
  beside.search =
    beside.hash =
    beside.username =
    beside.password =
      "";
  const { href } = beside;
  if (href.endsWith("/")) return [];
  return [
    { url: `${href}.sha256`, isOwn: true },
    { url: new URL("SHA256SUMS", href).href, isOwn: false },
  ];
}
