// @ts-check
/** The links in what somebody pastes or drops. Pure. */

/**
 * @typedef {object} Found
 * @property {string[]} urls Each once, in their order.
 * @property {string[]} rejected Lines that hold no link, and links that cannot
 * be fetched.
 * @property {number} twice How many links were there before in the text.
 */

/**
 * Finds links in text: one a line, or among other words.
 *
 * Lines of a dropped `text/uri-list` that begin with `#` are comments.
 *
 * @param {string} text
 * @returns {Found}
 */
export function findUrls(text) {
  /** @type {Set<string>} */
  const urls = new Set();
  const rejected = [];
  let twice = 0;
  for (const raw of text.split(/[\r\n]+/)) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const found = linksIn(line);
    for (const url of found) {
      if (!isTakable(url)) rejected.push(url);
      else if (urls.has(url)) twice++;
      else urls.add(url);
    }
    if (found.length === 0) rejected.push(line);
  }
  return { urls: [...urls], rejected, twice };
}

/** Where a link begins among other words. */
const START =
  /https?:\/\/(?=[^\s/])|(?<![\p{L}\d_/.@:-])www\.(?=[\p{L}\d-]+\.)/giu;
/** What a link never holds as it stands: white space, quotes, wide marks. */
const BODY =
  /[^\s\p{Cc}<>"`\p{Pi}\p{Pf}„‚、。〈〉《》「」『』【】〔〕！（），：；？]*/uy;
/** What ends a sentence or stands around a link, and seldom ends one. */
const TAIL = ".,;:!?'*|\u2026([{";

/** @type {Readonly<Record<string, string>>} */
const CLOSED_BY = { "(": ")", "[": "]", "{": "}" };

/** @param {string} line */
function linksIn(line) {
  const whole = wholeLine(line.replace(/^(?:[-*•]|\d+[.)])\s+/, ""));
  if (whole !== null) return [whole];
  const text = withSpacesEncoded(withoutLabels(line));
  const links = [];
  START.lastIndex = 0;
  for (;;) {
    const start = START.exec(text);
    if (start === null) return links;
    const link = linkAt(text, start.index);
    START.lastIndex = start.index + Math.max(link.length, start[0].length);
    const before = text[start.index - 1] ?? "";
    const url = withoutTail(link, before);
    // In a page's source, `&` is written so.
    const quoted = /=["']$/.test(text.slice(0, start.index).slice(-2));
    links.push(withScheme(quoted ? url.replaceAll("&amp;", "&") : url));
  }
}

/**
 * Takes a line as one link where browsers would, too: without its scheme, or
 * with spaces in a file's name. A word such as `notes.txt` is no link.
 *
 * @param {string} line
 */
function wholeLine(line) {
  const bare = cut(line, TAIL);
  if (BARE.test(bare)) return withScheme(bare);
  if (!SPACED.test(line) || line.split("://").length > 2) return null;
  const [first = ""] = line.split(" ");
  const named = EXTENSION.test(first.slice(first.lastIndexOf("/")));
  return named || !EXTENSION.test(line) ? null : line.replaceAll(" ", "%20");
}

/** A host with a path behind it, as it is written without a scheme. */
const BARE =
  /^(?:(?:[\p{L}\d](?:[\p{L}\d-]*[\p{L}\d])?\.)+(?:\p{L}{2,}|xn--[a-z\d-]+)|localhost|\d{1,3}(?:\.\d{1,3}){3}|\[[\da-f:.]+\])(?::\d+)?\/[^\s"<>]+$/iu;
const SPACED = /^https?:\/\/[^/\s]+\/[^\s"<>]*(?: +[^\s"<>]+)+$/i;
const EXTENSION = /\.(?:[a-z][a-z\d]{0,9}|7z)$/i;

/**
 * Without a scheme, http is meant, as on the command line and in curl.
 *
 * @param {string} url
 */
function withScheme(url) {
  return /^https?:\/\//i.test(url) ? url : `http://${url}`;
}

/**
 * In Markdown, the words of `[words](link)` may be a link, too, often a
 * shortened one, or an image's.
 *
 * @param {string} line
 */
function withoutLabels(line) {
  if (!line.includes("](")) return line;
  let text = line;
  for (let before = ""; before !== text;) {
    before = text;
    text = text.replace(/!?\[[^[\]]*\]\((?=<?https?:\/\/)/gi, " (");
  }
  return text;
}

/**
 * Between `<` and `>`, a link may be written with spaces.
 *
 * @param {string} line
 */
function withSpacesEncoded(line) {
  return line.replace(
    /<(https?:\/\/[^\s<>"]+(?: +[^\s<>"]+)+)>/gi,
    (_, url) => `<${url.replaceAll(" ", "%20")}>`,
  );
}

/**
 * The link that begins at `start`, with what may stand behind it.
 *
 * @param {string} text
 * @param {number} start
 */
function linkAt(text, start) {
  BODY.lastIndex = start;
  const [body = ""] = BODY.exec(text) ?? [];
  const quote = text[start - 1] === "'" ? body.indexOf("'") : -1;
  const link = quote < 0 ? body : body.slice(0, quote);
  // A link may hold another one, in its path or query: an archive's, a mirror's.
  const next = link.slice(1).search(/(?<![/=?&:#])https?:\/\//i) + 1;
  const single = next > 0 ? link.slice(0, next) : link;
  return single.slice(0, balanced(single));
}

/**
 * How much of a link there is before a bracket that is not opened in it. BBCode
 * closes with `[/url]`.
 *
 * @param {string} link
 */
function balanced(link) {
  if (!/[()[\]{}]/.test(link)) return link.length;
  const open = [];
  for (let at = 0; at < link.length; at++) {
    const mark = link[at] ?? "";
    const closing = CLOSED_BY[mark];
    if (link.startsWith("[/", at)) return at;
    if (closing !== undefined) open.push(closing);
    else if (/[)\]}]/.test(mark) && open.pop() !== mark) return at;
  }
  return link.length;
}

/**
 * @param {string} link
 * @param {string} before The mark that stands before it.
 */
function withoutTail(link, before) {
  // Markdown's emphasis: the mark before a link ends it, too.
  const emphasis = before === "_" || before === "~" ? before : "";
  return cut(link, TAIL + emphasis);
}

/**
 * A regular expression would begin anew at each mark, and take seconds.
 *
 * @param {string} text
 * @param {string} marks What is cut off the end of it.
 */
function cut(text, marks) {
  let end = text.length;
  while (end > 0 && marks.includes(text[end - 1] ?? "")) end--;
  return text.slice(0, end);
}

/**
 * Whether the server would fetch it: it refuses what would be another path.
 *
 * @param {string} url
 */
function isTakable(url) {
  const [path = ""] = url.split(/[?#]/);
  return /^https?:\/\/[^/]/i.test(url) && URL.canParse(url) &&
    !/\\|\/(?:\.|%2e){1,2}(?:\/|$)/i.test(path.slice("https://".length));
}

/**
 * The links of rich text, as a browser's clipboard has it.
 *
 * @param {string} html
 * @returns {string[]} Each once.
 */
export function findHrefs(html) {
  const links = html.matchAll(
    /<a\s[^<>]*?\bhref\s*=\s*(?:"([^"]*)"|'([^']*)')/gi,
  );
  const urls = [...links].map(([, a, b]) => decoded(a ?? b ?? "").trim())
    .filter(isTakable);
  return [...new Set(urls)];
}

/** @param {string} attribute */
function decoded(attribute) {
  return attribute.replace(
    /&(?:amp|quot|#(\d{1,7})|#x([\da-f]{1,6}));/gi,
    (entity, decimal, hexadecimal) => {
      if (/^&amp;$/i.test(entity)) return "&";
      if (/^&quot;$/i.test(entity)) return '"';
      const code = decimal ? Number(decimal) : parseInt(hexadecimal, 16);
      return code > 0x10ffff ? entity : String.fromCodePoint(code);
    },
  );
}

/**
 * Messages have a greatest length, so a long list goes in several.
 *
 * @param {readonly string[]} urls
 * @param {{ count: number, characters: number }} most In one batch.
 * @returns {string[][]}
 */
export function inBatches(urls, most) {
  /** @type {string[][]} */
  const batches = [];
  /** @type {string[]} */
  let batch = [];
  let characters = 0;
  for (const url of urls) {
    const full = batch.length >= most.count ||
      characters + url.length > most.characters;
    if (full && batch.length > 0) {
      batches.push(batch);
      batch = [];
      characters = 0;
    }
    batch.push(url);
    characters += url.length;
  }
  return batch.length > 0 ? [...batches, batch] : batches;
}
