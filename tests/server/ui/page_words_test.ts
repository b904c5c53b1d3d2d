import { assert, assertEquals } from "@std/assert";
import { isKey } from "../../../lib/server/ui/words.js";
import { WORDS as ENGLISH } from "../../../lib/server/ui/words/en.js";

const UI = new URL("../../../lib/server/ui/", import.meta.url);

/** Attributes that people see, or hear. */
const SPOKEN = ["alt", "aria-label", "data-all", "placeholder", "title"];

/** What of the documents is the same in all languages. */
const NAMES = ["", "Sluice", "AUTH_TOKEN", "This page needs JavaScript."];

async function documents(): Promise<[string, string][]> {
  return await Promise.all(["index.html", "login.html"].map(async (name) => {
    const text = await Deno.readTextFile(new URL(name, UI));
    return [name, text.replace(/<!--[^]*?-->/g, "")] as [string, string];
  }));
}

function textOf(key: string): string {
  const text = isKey(key) ? ENGLISH[key] : `there is no ${key}`;
  return typeof text === "string" ? text : text.other;
}

function plain(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

Deno.test("the documents say in English what their marks name", async () => {
  let marked = 0;
  for (const [name, text] of await documents()) {
    const elements = text.matchAll(
      /<(\w+)(?=[^>]*\sdata-words="([^"]+)")[^>]*>([^]*?)<\/\1\s*>/g,
    );
    for (const [, , key = "", content = ""] of elements) {
      const words = content.replace(/<(\w+)[^>]*>[^<]*<\/\1\s*>/, "{child}");
      assertEquals(plain(words), textOf(key), `${name}: ${key}`);
      marked++;
    }
    for (const [tag] of text.matchAll(/<\w[^>]*>/g)) {
      const marks = tag.matchAll(/\sdata-words-([\w-]+)="([^"]+)"/g);
      for (const [, attribute, key = ""] of marks) {
        const [, value] = tag.match(` ${attribute}="([^"]*)"`) ??
          tag.match(`\n *${attribute}="([^"]*)"`) ?? [];
        assertEquals(value, textOf(key), `${name}: ${tag}`);
        marked++;
      }
    }
  }
  assert(marked > 50, `${marked} marks were found`);
});

Deno.test("the documents have no text without a mark", async () => {
  for (const [name, text] of await documents()) {
    const unmarked = text
      .replace(/<(svg|dialog)\b[^]*?<\/\1>/g, "")
      .replace(
        /<(\w+)(?=[^>]*\sdata-words="[^"]+")[^>]*>[^]*?<\/\1\s*>/g,
        "",
      );
    for (const part of unmarked.split(/<[^>]*>/)) {
      assert(NAMES.includes(plain(part)), `${name}: ${plain(part)}`);
    }
    for (const [tag] of text.matchAll(/<\w[^>]*>/g)) {
      for (const attribute of SPOKEN) {
        const [, value = ""] = tag.match(`\\s${attribute}="([^"]*)"`) ?? [];
        const silent = value === "" || tag.includes(`data-words-${attribute}`);
        assert(silent, `${name}: ${tag}`);
      }
    }
  }
});

/** Regular expressions, in which quotes stand for themselves. */
const PATTERN =
  /(?<=(?:[=(,?:]|^)\s*)\/(?![*/\s])(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/gm;

/** A sentence, or a word with a capital letter. */
const WORDS = /[a-z]{2,}[.:,;…]? [a-z]{2,}|^[A-Z][a-z]+/;

/** What looks like words, and is none that people read. */
const CODE = [
  // Several classes of an element.
  /^[a-z-]+ [a-z-]+$/,
  /^text\/\w+; charset=utf-8$/,
  // States, tabs and keys, by their names in the protocol and in browsers.
  /^(?:Queued|Downloading|Paused|Downloaded|Failed|All|Active|Finished)$/,
  /^(?:Arrow(?:Down|Up)|Home|End|Enter|Esc(?:ape)?|Del(?:ete)?|Space|Shift|Ctrl|Alt)\b/,
  // Names.
  /^(?:[KMGTP]iB|Sluice|Notification|English|Deutsch|Español)$/,
  // Selectors, a bookmarklet, and a mistake in the page itself.
  /^input, textarea\b|^javascript:|^The page has no\s+#\.$/,
];

Deno.test("no script holds a text of its own", async () => {
  const found: string[] = [];
  for await (const { name } of Deno.readDir(UI)) {
    if (!name.endsWith(".js")) continue;
    const code = (await Deno.readTextFile(new URL(name, UI)))
      .replace(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, "")
      .replace(PATTERN, "");
    for (const [literal] of code.matchAll(/"[^"\n]*"|`[^`\n]*`/g)) {
      const text = literal.slice(1, -1).replace(/\$\{[^}]*\}/g, "");
      const isCode = CODE.some((pattern) => pattern.test(text));
      if (WORDS.test(text) && !isCode) found.push(`${name}: ${text}`);
    }
  }
  assertEquals(found, []);
});
