// @ts-check
/** What a file's name says of its type. Used by the server and by the page. */

/** @type {Readonly<Record<string, string>>} */
const TYPES = {
  "7z": "application/x-7z-compressed",
  aac: "audio/aac",
  apk: "application/vnd.android.package-archive",
  avif: "image/avif",
  bz2: "application/x-bzip2",
  css: "text/css; charset=utf-8",
  csv: "text/csv; charset=utf-8",
  deb: "application/vnd.debian.binary-package",
  epub: "application/epub+zip",
  flac: "audio/flac",
  gif: "image/gif",
  gz: "application/gzip",
  htm: "text/html; charset=utf-8",
  html: "text/html; charset=utf-8",
  iso: "application/x-iso9660-image",
  jpeg: "image/jpeg",
  jpg: "image/jpeg",
  js: "text/javascript; charset=utf-8",
  json: "application/json",
  log: "text/plain; charset=utf-8",
  m4a: "audio/mp4",
  m4v: "video/mp4",
  md: "text/markdown; charset=utf-8",
  mkv: "video/matroska",
  mov: "video/quicktime",
  mp3: "audio/mpeg",
  mp4: "video/mp4",
  oga: "audio/ogg",
  ogg: "audio/ogg",
  ogv: "video/ogg",
  opus: "audio/ogg",
  pdf: "application/pdf",
  png: "image/png",
  svg: "image/svg+xml",
  tar: "application/x-tar",
  txt: "text/plain; charset=utf-8",
  wav: "audio/wav",
  weba: "audio/webm",
  webm: "video/webm",
  webp: "image/webp",
  xml: "application/xml",
  xz: "application/x-xz",
  zip: "application/zip",
  zst: "application/zstd",
};

/** Types that a browser shows without running anything of theirs. */
const INERT =
  /^(?:image\/(?!svg)|audio\/|video\/|text\/plain|application\/(?:pdf|json)$)/;

/**
 * The media type of a file of this name.
 *
 * @param {string} name
 * @returns {string}
 */
export function mediaType(name) {
  const extension = /\.([^.]+)$/.exec(name)?.[1]?.toLowerCase() ?? "";
  return Object.hasOwn(TYPES, extension) ? TYPES[extension] ?? OTHER : OTHER;
}

const OTHER = "application/octet-stream";

/**
 * Whether a file of this name may be shown under the server's own origin.
 *
 * @param {string} name
 * @returns {boolean}
 */
export function isInert(name) {
  return INERT.test(mediaType(name));
}
