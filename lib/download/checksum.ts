/** Checksums of whole files. Pure. */

/** The checksums that sites publish, and how many hexadecimal digits each has. */
export const CHECKSUM_DIGITS = {
  sha256: 64,
  sha512: 128,
  sha1: 40,
  md5: 32,
} as const;

/** What a checksum is made with. */
export type ChecksumAlgorithm = keyof typeof CHECKSUM_DIGITS;

/** All algorithms, the most usual one first. */
export const CHECKSUM_ALGORITHMS = Object.keys(
  CHECKSUM_DIGITS,
) as readonly ChecksumAlgorithm[];

/** A checksum of a whole file. */
export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  /** Lower-case hexadecimal digits. */
  readonly digest: string;
}

/** A checksum, and where it is from. */
export interface FoundChecksum extends Checksum {
  /**
   * `request` if the client gave it; else the header's name, or the URL, without
   * userinfo and query, that it was found at.
   */
  readonly from: string;
}

/** What reading a finished file again has shown. */
export interface Verified {
  readonly fits: boolean;
  /** What it was compared with. */
  readonly checksum: FoundChecksum;
  /** What it has, in the same algorithm. */
  readonly digest: string;
}
