// @ts-check
/** What the page says, and how it writes numbers, in the reader's language. */

/** @import { ErrorCode } from "../../download/errors.ts" */
import { WORDS as ENGLISH } from "./words/en.js";

/**
 * @typedef {keyof typeof ENGLISH} Key
 *
 * @typedef {Readonly<Partial<Record<Intl.LDMLPluralRule, string>>
 *   & { other: string }>} Forms What is said of each kind of number that the
 * language tells apart; the number is the value `count`.
 *
 * @typedef {Readonly<Record<Key, string | Forms>>} Words Texts with the names of
 * values in braces.
 *
 * @typedef {Readonly<Record<ErrorCode, string>>} Faults What went wrong, by its
 * code, in a few words. English has none: the server itself speaks it.
 *
 * @typedef {{ WORDS: Words, FAULTS: Faults }} Translation
 */

/**
 * The names in braces.
 *
 * @template Text
 * @typedef {Text extends `${string}{${infer Name}}${infer Rest}`
 *   ? Name | Names<Rest>
 *   : never} Names
 */

/**
 * @template Text
 * @typedef {Text extends string ? Text : Text[keyof Text]} Strings
 */

/**
 * The values that a text needs, if any.
 *
 * @template {Key} Of
 * @typedef {[Names<Strings<(typeof ENGLISH)[Of]>>] extends [never]
 *   ? []
 *   : [Readonly<Record<
 *     Names<Strings<(typeof ENGLISH)[Of]>>,
 *     string | number
 *   >>]} Values
 */

/** All languages by their tags: what each calls itself, and its words. */
export const LANGUAGES = {
  en: { name: "English", load: null },
  de: { name: "Deutsch", load: () => import("./words/de.js") },
  es: { name: "Español", load: () => import("./words/es.js") },
  ru: { name: "Русский", load: () => import("./words/ru.js") },
  "zh-Hans": { name: "简体中文", load: () => import("./words/zh.js") },
};

/** @typedef {keyof typeof LANGUAGES} Language */

/**
 * A language while it is spoken. Formatters are made once, as each takes a
 * hundred times longer to make than to use.
 *
 * @param {Language} language
 * @param {string} locale The language as it is written in some country.
 * @param {Words} words
 * @param {Readonly<Partial<Faults>>} faults
 */
function createSpeech(language, locale, words, faults) {
  /** @param {Intl.DateTimeFormatOptions} options */
  const dates = (options) => new Intl.DateTimeFormat(locale, options);
  const day = /** @type {const} */ ({ day: "numeric", month: "short" });
  return {
    language,
    words,
    faults,
    plural: new Intl.PluralRules(language),
    /** By how many digits stand behind the point. */
    numbers: [0, 1].map((digits) =>
      new Intl.NumberFormat(locale, {
        minimumFractionDigits: digits,
        maximumFractionDigits: digits,
      })
    ),
    dates: {
      time: dates({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" }),
      day: dates(day),
      dayOfYear: dates({ ...day, year: "numeric" }),
    },
  };
}

let speech = createSpeech("en", "en-GB", ENGLISH, {});

/**
 * Speaks a language from now on; English where its words do not come.
 *
 * @param {Language} language
 * @param {string} [locale] The reader's own kind of it.
 */
export async function speak(language, locale = language) {
  const { load } = LANGUAGES[language];
  /** @type {Translation | null} */
  const translation = load && await load().catch(() => null);
  speech = translation === null
    ? createSpeech("en", language === "en" ? locale : "en", ENGLISH, {})
    : createSpeech(language, locale, translation.WORDS, translation.FAULTS);
}

/** The tag of the language that is spoken. */
export function language() {
  return speech.language;
}

/**
 * A text in the language that is spoken.
 *
 * @template {Key} Of
 * @param {Of} key
 * @param {Values<Of>} values Numbers are written as the language writes them.
 */
export function say(key, ...values) {
  /** @type {Readonly<Record<string, string | number>>} */
  const given = values[0] ?? {};
  const text = speech.words[key];
  return fill(typeof text === "string" ? text : formOf(text, given), given);
}

/**
 * @param {Forms} forms
 * @param {Readonly<Record<string, string | number>>} given
 */
function formOf(forms, { count }) {
  return forms[speech.plural.select(Number(count))] ?? forms.other;
}

/**
 * @param {string} text
 * @param {Readonly<Record<string, string | number>>} given
 */
function fill(text, given) {
  return text.replace(/\{(\w+)\}/g, (braces, name) => {
    const value = given[name] ?? braces;
    return typeof value === "number" ? formatNumber(value) : value;
  });
}

/**
 * Whether there is a text of this name.
 *
 * @template {string} Name
 * @param {Name} name
 * @returns {name is Extract<Key, Name>}
 */
export function isKey(name) {
  return Object.hasOwn(ENGLISH, name);
}

/**
 * Texts one after another; what is none is left out.
 *
 * @param {readonly (string | false | null | undefined)[]} texts
 */
export function listed(texts) {
  return texts.filter(Boolean).join(say("between.items"));
}

/**
 * Sentences one after another; what is none is left out.
 *
 * @param {readonly (string | false | null | undefined)[]} texts
 */
export function sentences(texts) {
  return texts.filter(Boolean).join(say("between.sentences"));
}

/**
 * What went wrong, in the language that is spoken; null where the server's own
 * words are in it, or nothing else is known.
 *
 * @param {string} code
 * @returns {string | null}
 */
export function faultFor(code) {
  return Object.hasOwn(speech.faults, code)
    ? speech.faults[/** @type {ErrorCode} */ (code)] ?? null
    : null;
}

/**
 * @param {number} value
 * @param {0 | 1} [digits] Behind the point.
 */
export function formatNumber(value, digits = 0) {
  return speech.numbers[digits]?.format(value) ?? "";
}

/**
 * @param {Date} date
 * @param {keyof typeof speech["dates"]} part
 */
export function formatDate(date, part) {
  return speech.dates[part].format(date);
}

/**
 * The first language of somebody's that the page speaks, and which kind of it;
 * English if it speaks none.
 *
 * @param {readonly string[]} tags As in `navigator.languages`.
 * @returns {{ language: Language, locale?: string }}
 */
export function languageFor(tags) {
  for (const tag of tags) {
    for (const language of LANGUAGE_TAGS) {
      if (writtenAs(tag) === writtenAs(language)) {
        return { language, locale: tag };
      }
    }
  }
  return { language: "en" };
}

export const LANGUAGE_TAGS = /** @type {Language[]} */ (Object.keys(LANGUAGES));

/**
 * The language and script of a tag: Chinese has two that not all can read.
 *
 * @param {string} tag
 */
function writtenAs(tag) {
  try {
    const { language, script } = new Intl.Locale(tag).maximize();
    return `${language}-${script}`;
  } catch {
    // Some browsers name what the system is set to, as it stands.
    return tag;
  }
}
