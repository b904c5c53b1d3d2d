import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { status } from "./statuses.ts";
import { wordsOfFound } from "../../../lib/server/ui/add_words.js";
import {
  formatBytes,
  formatDuration,
  formatFault,
  formatMoment,
  sentenceOf,
} from "../../../lib/server/ui/format.js";
import {
  faultFor,
  isKey,
  type Language,
  LANGUAGE_TAGS,
  languageFor,
  LANGUAGES,
  say,
  speak,
  type Words,
} from "../../../lib/server/ui/words.js";
import { WORDS as ENGLISH } from "../../../lib/server/ui/words/en.js";

const UI = new URL("../../../lib/server/ui/", import.meta.url);

/** Two words at least: names and signs may be the same in two languages. */
const PHRASE = /[a-z]{2,},? [a-z]{2,}/i;

/** The words of a language, and its tag. */
async function* translations(): AsyncGenerator<[Language, Words]> {
  for (const tag of LANGUAGE_TAGS) {
    const words = await LANGUAGES[tag].load?.();
    yield [tag, words?.WORDS ?? ENGLISH];
  }
}

type Text = Words[keyof Words];

function formsOf(text: Text): Record<string, string> {
  return typeof text === "string" ? { other: text } : { ...text };
}

function namesIn(text: string): string[] {
  return [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? "").sort();
}

/** Whether a form is for one number only, so that it need not be written. */
function isOfOneNumber(plural: Intl.PluralRules, form: string): boolean {
  const numbers = Array.from({ length: 200 }, (_, n) => n);
  return numbers.filter((n) => plural.select(n) === form).length === 1;
}

Deno.test("all languages say the same things", async () => {
  for await (const [tag, words] of translations()) {
    assertEquals(Object.keys(words).sort(), Object.keys(ENGLISH).sort(), tag);
    for (const [key, text] of Object.entries(words)) {
      for (const form of Object.values(formsOf(text))) {
        const blank = form.trim() === "" && !key.startsWith("between.");
        assert(!blank, `${tag}: ${key} is blank`);
      }
    }
  }
});

Deno.test("every text holds the values that the English one holds", async () => {
  for await (const [tag, words] of translations()) {
    const plural = new Intl.PluralRules(tag);
    for (const key of Object.keys(ENGLISH).filter(isKey)) {
      const wanted = namesIn(formsOf(ENGLISH[key]).other ?? "");
      for (const [form, text] of Object.entries(formsOf(words[key]))) {
        const unwritten = isOfOneNumber(plural, form) &&
          !namesIn(text).includes("count");
        const expected = unwritten
          ? wanted.filter((name) => name !== "count")
          : wanted;
        assertEquals(namesIn(text), expected, `${tag}: ${key}, ${form}`);
      }
    }
  }
});

Deno.test("a number has all forms that a language tells apart", async () => {
  for await (const [tag, words] of translations()) {
    const plural = new Intl.PluralRules(tag);
    const { pluralCategories } = plural.resolvedOptions();
    for (const [key, text] of Object.entries(words)) {
      if (typeof text === "string") continue;
      const forms = Object.keys(text).sort();
      assertEquals(forms, pluralCategories.sort(), `${tag}: ${key}`);
    }
  }
});

Deno.test("nothing was left in English", async () => {
  for await (const [tag, words] of translations()) {
    if (tag === "en") continue;
    for (const key of Object.keys(ENGLISH).filter(isKey)) {
      const english: Text = ENGLISH[key];
      const { other = "" } = formsOf(english);
      if (!PHRASE.test(other)) continue;
      assertNotEquals(formsOf(words[key]).other, other, `${tag}: ${key}`);
    }
  }
});

Deno.test("a number in Russian takes the form of its noun", async () => {
  await speak("ru", "ru-RU");
  const threads = [1, 2, 5, 11, 21, 22, 25].map((count) =>
    say("threads", { count })
  );
  assertEquals(threads, [
    "1 поток",
    "2 потока",
    "5 потоков",
    "11 потоков",
    "21 поток",
    "22 потока",
    "25 потоков",
  ]);
  const found = (count: number) =>
    wordsOfFound({
      urls: Array.from({ length: count }, (_, n) => `https://a.test/${n}`),
      rejected: [],
      twice: 0,
    }, { shown: true });
  assertEquals([2, 5, 21, 1_000].map(found), [
    "2 ссылки.",
    "5 ссылок.",
    "21 ссылка.",
    "1\u00a0000 ссылок.",
  ]);
  await speak("en");
});

Deno.test("numbers, spans and moments are written as the reader's language does", async () => {
  const now = new Date(2026, 6, 4, 12);
  const before = new Date(2026, 6, 3, 9, 5).toISOString();
  const written: Record<string, string[]> = {};
  const locales: [Language, string][] = [
    ["en", "en-US"],
    ["de", "de-DE"],
    ["es", "es-ES"],
    ["es", "es-MX"],
    ["ru", "ru-RU"],
    ["zh-Hans", "zh-CN"],
  ];
  for (const [tag, locale] of locales) {
    await speak(tag, locale);
    written[locale] = [
      formatBytes(1.5 * 2 ** 20),
      formatDuration(7_500),
      formatMoment(before, now),
      say("bytes", { count: 1_234_567 }),
    ];
  }
  await speak("en");
  assertEquals(written, {
    "en-US": ["1.5 MiB", "2 h 5 min", "Jul 3, 09:05", "1,234,567 bytes"],
    "de-DE": ["1,5 MiB", "2 h 5 min", "3. Juli, 09:05", "1.234.567 Byte"],
    "es-ES": ["1,5 MiB", "2 h 5 min", "3 jul, 09:05", "1.234.567 bytes"],
    "es-MX": ["1.5 MiB", "2 h 5 min", "3 jul, 09:05", "1,234,567 bytes"],
    "ru-RU": [
      "1,5 MiB",
      "2 ч 5 мин",
      "3 июл., 09:05",
      "1\u00a0234\u00a0567 байт",
    ],
    "zh-CN": ["1.5 MiB", "2 小时 5 分", "7月3日 09:05", "1,234,567 字节"],
  });
});

Deno.test("the reader's first language that the page speaks is spoken", () => {
  const of = (...tags: string[]) => languageFor(tags).language;
  assertEquals(of("de-AT", "en"), "de");
  assertEquals(of("fr", "es-419", "en"), "es");
  assertEquals(of("zh-CN"), "zh-Hans");
  assertEquals(of("zh-SG", "en"), "zh-Hans");
  // Who reads traditional characters may read no others.
  assertEquals(of("zh-TW", "en"), "en");
  assertEquals(of("fr", "pt-BR"), "en");
  assertEquals(of("en-US@posix", "ru"), "ru");
  assertEquals(of(), "en");
  assertEquals(languageFor(["fr", "es-MX"]).locale, "es-MX");
});

Deno.test("an error is told by its code, but in English by the server's words", async () => {
  const error = {
    code: "ORIGIN_STATUS",
    message: "The origin answered 404; check the URL.",
  } as const;
  assertEquals(faultFor(error.code), null);
  assertEquals(formatFault(error), "The origin answered 404");
  await speak("de");
  assertEquals(formatFault(error), "Die Website liefert die Datei nicht");
  assertEquals(
    sentenceOf(
      status({
        filename: "a.iso",
        process_status: "Failed",
        error,
      }),
      new Date(),
    ),
    "a.iso, Fehlgeschlagen, Die Website liefert die Datei nicht",
  );
  assertEquals(faultFor("NEWER_THAN_THE_PAGE"), null);
  await speak("en");
});

/** Text of scripts, without comments. */
async function* scripts(): AsyncGenerator<[string, string]> {
  for await (const { name } of Deno.readDir(UI)) {
    if (!name.endsWith(".js")) continue;
    const code = await Deno.readTextFile(new URL(name, UI));
    yield [name, code.replace(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, "")];
  }
}

/** Names of texts that HTML or a script asks for; a star stands for any end. */
async function asked(): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for await (const [name, code] of scripts()) {
    // Names in a condition, as `say(full ? "a" : "b")`, and as begun texts.
    for (const [, first] of code.matchAll(/(?<!\.)\bsay\(([^{)]*)/g)) {
      for (const [, key] of first?.matchAll(/"([^"]+)"/g) ?? []) {
        found.set(key ?? "", name);
      }
    }
    for (const [, start] of code.matchAll(/`([a-z][\w.]*\.)\$\{/g)) {
      found.set(`${start}*`, name);
    }
  }
  for (const name of ["index.html", "login.html"]) {
    const page = await Deno.readTextFile(new URL(name, UI));
    for (const [, key] of page.matchAll(/\bdata-words[\w-]*="([^"]+)"/g)) {
      found.set(key ?? "", name);
    }
  }
  return found;
}

Deno.test("what the page asks for is there, and all that is there is asked for", async () => {
  const names = await asked();
  assert(names.size > 100, `${names.size} names were found`);
  const unused = new Set(Object.keys(ENGLISH));
  for (const [name, file] of names) {
    const keys = Object.keys(ENGLISH).filter((key) =>
      name.endsWith("*") ? key.startsWith(name.slice(0, -1)) : key === name
    );
    assert(keys.length > 0, `${file} asks for ${name}`);
    for (const key of keys) unused.delete(key);
  }
  assertEquals([...unused], [], "texts that nothing asks for");
});
