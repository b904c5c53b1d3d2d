// @ts-check
/**
 * Reads curl commands, as browsers copy them and people keep them. Pure: the
 * page and the command line read with it, each with words of its own.
 */

/**
 * @typedef {object} CurlUrl One URL that a command asks for.
 * @property {string} url With the name and password that `-u` gives.
 * @property {string | null} filename
 * @property {Readonly<Record<string, string>>} headers By name, in lower case.
 * @property {readonly string[]} cookieFiles Paths that `-b` names.
 *
 * @typedef {object} CurlFault What is not taken, and why.
 * @property {"fault"} kind
 * @property {typeof FAULTS[number]} why
 * @property {string} what A flag without its value, which may be a secret, or the
 * words that are meant.
 *
 * @typedef {{ kind: "urls", urls: CurlUrl[] } | CurlFault} CurlReading
 *
 * @typedef {object} Shape What a flag does.
 * @property {"done" | "takes" | "refused"} kind
 * @property {boolean} value Whether a value follows.
 * @property {typeof FAULTS[number]} [why] Of one that is refused.
 */

/**
 * Why a command is not taken. `unknown`: nothing is known of the flag; `data`:
 * it sends some; `method`: it is another than GET; `insecure`: it would trust
 * anybody; `file`: it names one that cannot be read here; `value`: the flag has
 * none, or one that makes no sense; `path`: `-o` names no mere name; `host`: a
 * `Host` that is not the URL's; `pattern`: the URL stands for several; `shell`:
 * words are for a shell; `quote`: one is not closed; `cmd`: it is written for
 * Windows' cmd; `url`: there is none.
 */
export const FAULTS = /** @type {const} */ ([
  "unknown",
  "data",
  "method",
  "insecure",
  "file",
  "value",
  "path",
  "host",
  "pattern",
  "shell",
  "quote",
  "cmd",
  "url",
]);

/** Headers that Sluice sets itself: browsers copy those of their own request. */
export const OWN_HEADERS = [
  "accept-encoding",
  "connection",
  "content-length",
  "expect",
  "host",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
  "keep-alive",
  "proxy-connection",
  "range",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/** @type {Readonly<Record<string, string>>} Letters, and what they are short for. */
const LETTERS = {
  "#": "progress-bar",
  A: "user-agent",
  C: "continue-at",
  E: "cert",
  F: "form",
  G: "get",
  H: "header",
  I: "head",
  J: "remote-header-name",
  K: "config",
  L: "location",
  N: "no-buffer",
  O: "remote-name",
  S: "show-error",
  T: "upload-file",
  X: "request",
  b: "cookie",
  d: "data",
  e: "referer",
  f: "fail",
  g: "globoff",
  k: "insecure",
  n: "netrc",
  o: "output",
  s: "silent",
  u: "user",
  v: "verbose",
};

/** @type {ReadonlyMap<string, Shape>} By long name. */
const SHAPES = new Map([
  // What Sluice does by itself, or what changes no byte.
  ...[
    "compressed",
    "fail",
    "globoff",
    "http1.1",
    "http2",
    "location",
    "no-buffer",
    "no-progress-meter",
    "progress-bar",
    "remote-header-name",
    "remote-name",
    "remote-name-all",
    "show-error",
    "silent",
    "verbose",
  ].map((name) => shape(name, { kind: "done", value: false })),
  ...["connect-timeout", "retry", "retry-delay", "retry-max-time"]
    .map((name) => shape(name, { kind: "done", value: true })),
  ...[
    "continue-at",
    "cookie",
    "header",
    "output",
    "referer",
    "request",
    "url",
    "user",
    "user-agent",
  ].map((name) => shape(name, { kind: "takes", value: true })),
  ...[
    "data",
    "data-ascii",
    "data-binary",
    "data-raw",
    "data-urlencode",
    "form",
    "form-string",
    "get",
    "json",
    "upload-file",
  ].map((name) => refused(name, "data")),
  refused("head", "method"),
  refused("insecure", "insecure"),
  ...["cert", "config", "netrc", "netrc-file", "netrc-optional"]
    .map((name) => refused(name, "file")),
]);

/**
 * @param {string} name
 * @param {Shape} shape
 * @returns {[string, Shape]}
 */
function shape(name, shape) {
  return [name, shape];
}

/**
 * @param {string} name
 * @param {CurlFault["why"]} why
 */
function refused(name, why) {
  return shape(name, { kind: "refused", value: false, why });
}

/**
 * Whether a text is one of curl commands, and not one that speaks of curl.
 *
 * @param {string} text
 */
export function isCurl(text) {
  return /^\s*(?:\$\s+)?curl(?:\.exe)?\s+(?:["'^\\-]|\$'|https?:)/i.test(text);
}

/**
 * Reads curl commands, separated by line ends or semicolons.
 *
 * @param {string} text
 * @param {{ files: boolean }} may Whether files that `-b` names can be read.
 * @returns {CurlReading}
 */
export function readCurl(text, may) {
  if (/^\s*curl(?:\.exe)?\s+\^"|\s\^\r?\n/i.test(text)) {
    return fault("cmd", "^");
  }
  const split = commandsIn(text);
  if ("kind" in split) return split;
  const urls = [];
  for (const [program = "", ...args] of split.commands) {
    if (!/^curl(?:\.exe)?$/i.test(program)) return fault("shell", program);
    const read = readCommand(args, may);
    if (read.kind === "fault") return read;
    urls.push(...read.urls);
  }
  return urls.length > 0 ? { kind: "urls", urls } : fault("url", "curl");
}

/**
 * @param {CurlFault["why"]} why
 * @param {string} what
 * @returns {CurlFault}
 */
function fault(why, what) {
  return { kind: "fault", why, what };
}

/**
 * What the flags of a command have said so far.
 *
 * @typedef {object} Said
 * @property {string[]} urls
 * @property {string[]} names
 * @property {Map<string, string>} headers
 * @property {string[]} cookies
 * @property {string[]} cookieFiles
 * @property {string | null} user
 * @property {boolean} globs Whether brackets and braces in URLs are patterns.
 */

/**
 * @param {readonly string[]} args
 * @param {{ files: boolean }} may
 * @returns {CurlReading}
 */
function readCommand(args, may) {
  /** @type {Said} */
  const said = {
    urls: [],
    names: [],
    headers: new Map(),
    cookies: [],
    cookieFiles: [],
    user: null,
    globs: true,
  };
  const rest = [...args];
  let isFlag = true;
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (!isFlag || !arg.startsWith("-") || arg === "-") said.urls.push(arg);
    else if (arg === "--") isFlag = false;
    else {
      const wrong = readFlag(arg, rest, said);
      if (wrong !== null) return wrong;
    }
  }
  if (said.cookieFiles.length > 0 && !may.files) return fault("file", "-b");
  return urlsOf(said);
}

/**
 * Reads a flag, with its value from what follows it; of letters that stand
 * together, the first: the others go back.
 *
 * @param {string} arg
 * @param {string[]} rest
 * @param {Said} said
 * @returns {CurlFault | null}
 */
function readFlag(arg, rest, said) {
  const isLong = arg.startsWith("--");
  const typed = isLong ? arg : arg.slice(0, 2);
  const name = isLong ? arg.slice(2) : LETTERS[arg[1] ?? ""] ?? "";
  const shape = SHAPES.get(name);
  const behind = isLong ? "" : arg.slice(2);
  if (shape === undefined) return fault("unknown", typed);
  if (shape.kind === "refused") return fault(shape.why ?? "unknown", typed);
  if (!shape.value) {
    if (behind !== "") rest.unshift(`-${behind}`);
    if (name === "globoff") said.globs = false;
    return null;
  }
  const value = behind === "" ? rest.shift() : behind;
  if (value === undefined) return fault("value", typed);
  return shape.kind === "takes" ? take(name, typed, value, said) : null;
}

/**
 * @param {string} name The long name of the flag.
 * @param {string} typed The flag as it was typed.
 * @param {string} value
 * @param {Said} said
 * @returns {CurlFault | null}
 */
function take(name, typed, value, said) {
  switch (name) {
    case "url":
      said.urls.push(value);
      return null;
    case "output":
      said.names.push(value);
      return /[/\\]|^(?:\.{0,2}|-)$/.test(value) ? fault("path", typed) : null;
    case "header":
      return takeHeader(typed, value, said);
    case "user-agent":
      if (value !== "") said.headers.set(name, value);
      return null;
    case "referer": {
      const referer = value.replace(/;auto$/, "");
      if (referer !== "") said.headers.set(name, referer);
      return null;
    }
    case "cookie":
      (value.includes("=") ? said.cookies : said.cookieFiles).push(value);
      return value === "" ? fault("value", typed) : null;
    case "user":
      said.user = value;
      return value.includes(":") ? null : fault("value", typed);
    case "continue-at":
      return value === "-" ? null : fault("unknown", `${typed} ${value}`);
    default:
      return value === "GET" ? null : fault("method", `${typed} ${value}`);
  }
}

/**
 * Takes a header as curl does: `Name:` sends none, `Name;` an empty one.
 *
 * @param {string} typed
 * @param {string} line
 * @param {Said} said
 * @returns {CurlFault | null}
 */
function takeHeader(typed, line, { headers, cookies }) {
  if (line.startsWith("@")) return fault("file", typed);
  const [, empty] = line.match(/^([^:;\s]+);\s*$/) ?? [];
  const [, given = "", text = ""] = line.match(/^([^:\s]+):\s*(.*?)\s*$/s) ??
    [];
  const name = (empty ?? given).toLowerCase();
  // The line is not shown: it may hold a token.
  if (name === "") return fault("value", typed);
  if (empty === undefined && text === "") return null;
  if (name === "cookie") cookies.push(text);
  else {
    const before = headers.get(name);
    headers.set(name, before === undefined ? text : `${before}, ${text}`);
  }
  return null;
}

/**
 * @param {Said} said
 * @returns {CurlReading}
 */
function urlsOf({ urls, names, headers, cookies, cookieFiles, user, globs }) {
  const read = [];
  const [cookie] = cookies.length > 0 ? [cookies.join("; ")] : [];
  const sent = Object.fromEntries(
    [...headers].filter(([name]) => !OWN_HEADERS.includes(name)),
  );
  for (const [n, typed] of urls.entries()) {
    if (globs && /(?<!\\)(?:\{|\[[\da-z]+-)/i.test(typed)) {
      return fault("pattern", "{}[]");
    }
    const plain = globs ? typed.replace(/\\([{}[\]])/g, "$1") : typed;
    const url = withUser(
      /^[a-z][a-z\d+.-]*:\/\//i.test(plain) ? plain : `http://${plain}`,
      user,
    );
    const host = headers.get("host");
    if (host !== undefined && URL.parse(url)?.host !== host.toLowerCase()) {
      return fault("host", "-H Host");
    }
    read.push({
      url,
      filename: names[n] ?? null,
      headers: { ...sent, ...(cookie !== undefined && { cookie }) },
      cookieFiles,
    });
  }
  return read.length > 0 ? { kind: "urls", urls: read } : fault("url", "curl");
}

/**
 * A URL with a name and password in it, in place of its own.
 *
 * @param {string} url
 * @param {string | null} user `name:password`; null to leave it as it is.
 */
function withUser(url, user) {
  if (user === null) return url;
  const [name = "", ...password] = user.split(":");
  const info = [name, password.join(":")].map(encodeURIComponent).join(":");
  return url.replace(
    /^([a-z]+:\/\/)(?:[^/?#]*@)?/i,
    (_, scheme) => `${scheme}${info}@`,
  );
}

/**
 * The words of each command, as bash reads them. What bash would put something
 * else for, such as a variable, is a fault: taken as it is, it would be wrong.
 *
 * @param {string} text
 * @returns {{ commands: string[][] } | CurlFault}
 */
function commandsIn(text) {
  /** @type {string[][]} */
  const commands = [];
  /** @type {string[]} */
  let words = [];
  /** @type {string | null} Null between words. */
  let word = null;
  let at = 0;

  function endWord() {
    if (word !== null) words.push(word);
    word = null;
  }

  function endCommand() {
    endWord();
    if (words.length > 0) commands.push(words);
    words = [];
  }

  const source = text.replace(/^\s*\$\s+(?=curl)/i, "")
    .replace(/\r\n?/g, "\n");
  while (at < source.length) {
    const piece = pieceAt(source, at, word === null);
    if (piece.kind === "fault") return piece;
    at += piece.length;
    if (piece.kind === "text") word = (word ?? "") + piece.text;
    else if (piece.kind === "blank") endWord();
    else if (piece.kind === "end") endCommand();
  }
  endCommand();
  return { commands };
}

/**
 * @typedef {{ kind: "text", text: string, length: number }
 *   | { kind: "blank" | "end" | "nothing", length: number }} Piece
 */

/** What a shell expands, but between single quotes. */
const EXPANDED = /`|\$(?=[\w({*@#?!$-])/y;

/**
 * @param {string} source
 * @param {number} at
 * @param {boolean} isStart Whether a word would begin there.
 * @returns {Piece | CurlFault}
 */
function pieceAt(source, at, isStart) {
  /** @param {RegExp} pattern */
  function match(pattern) {
    pattern.lastIndex = at;
    return pattern.exec(source);
  }
  const blank = match(/[ \t]+/y);
  if (blank) return { kind: "blank", length: blank[0].length };
  const joined = match(/\\\n/y) ?? (isStart ? match(/#[^\n]*/y) : null);
  if (joined) return { kind: "nothing", length: joined[0].length };
  const end = match(/\n|;|&&/y);
  if (end) return { kind: "end", length: end[0].length };
  const operator = match(/[&|<>()]+/y);
  if (operator) return fault("shell", operator[0]);
  const ansi = match(/\$'((?:[^'\\]|\\[^])*)'/y);
  if (ansi) return textPiece(ansi, unescaped(ansi[1] ?? ""));
  const single = match(/'([^']*)'/y);
  if (single) return textPiece(single, single[1] ?? "");
  const double = match(/\$?"((?:[^"\\]|\\[^])*)"/y);
  if (double) {
    const inside = double[1] ?? "";
    const expanded = inside.replace(/\\[^]/g, "").match(/`|\$[\w({*@#?!$-]/);
    if (expanded) return fault("shell", expanded[0]);
    return textPiece(
      double,
      inside.replace(/\\(["$\\`\n])/g, (_, mark) => mark === "\n" ? "" : mark),
    );
  }
  const quote = match(/\$?['"]/y);
  if (quote) return fault("quote", quote[0]);
  const expanded = match(EXPANDED);
  if (expanded) return fault("shell", source.slice(at, at + 2));
  const escaped = match(/\\([^])/y);
  if (escaped) return textPiece(escaped, escaped[1] ?? "");
  const plain = match(/[^\s\\'"`$;&|<>()]+|[^]/y);
  return textPiece(plain ?? [" "], plain?.[0] ?? "");
}

/**
 * @param {readonly string[]} match
 * @param {string} text
 * @returns {Piece}
 */
function textPiece([whole = ""], text) {
  return { kind: "text", text, length: whole.length };
}

/** @type {Readonly<Record<string, string>>} */
const ESCAPES = {
  a: "\x07",
  b: "\b",
  e: "\x1b",
  E: "\x1b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/**
 * What stands in `$'…'`: bytes that `\x` and octal digits name are UTF-8.
 *
 * @param {string} text
 */
function unescaped(text) {
  return text.replace(
    /(?:\\(?:x[\da-fA-F]{1,2}|[0-7]{1,3}))+|\\u([\da-fA-F]{1,4})|\\U([\da-fA-F]{1,8})|\\([^])/g,
    (run, short, long, mark) => {
      if (mark !== undefined) return ESCAPES[mark] ?? mark;
      const digits = short ?? long;
      if (digits !== undefined) {
        const code = parseInt(digits, 16);
        return code > 0x10ffff ? run : String.fromCodePoint(code);
      }
      const bytes = [...run.matchAll(/\\(?:x([\da-f]{1,2})|([0-7]{1,3}))/gi)]
        .map(([, hex, octal]) =>
          hex === undefined ? parseInt(octal ?? "", 8) : parseInt(hex, 16)
        );
      return new TextDecoder().decode(new Uint8Array(bytes));
    },
  );
}
