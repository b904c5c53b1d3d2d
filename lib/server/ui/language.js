// @ts-check
/// <reference lib="dom" />
/** Puts the document into the reader's language, and lets them choose one. */

/** @import { Key } from "./words.js" */
import { html } from "./dom.js";
import { keep, recall } from "./kept.js";
import {
  language,
  LANGUAGE_TAGS,
  languageFor,
  LANGUAGES,
  say,
  speak,
} from "./words.js";

/** Where the language that somebody chose is kept. */
const CHOICE = "sluice.language";
/** What an attribute begins with that names a text. */
const MARK = "data-words";

/** Speaks the language that was chosen, or else the browser's. */
export async function speakToReader() {
  const { languages } = navigator;
  const chosen = takeChoice();
  const wanted = languageFor(
    chosen === null ? languages : [
      ...languages.filter((tag) => languageFor([tag]).language === chosen),
      chosen,
    ],
  );
  await speak(wanted.language, wanted.locale);
  document.documentElement.lang = language();
  // The document itself is in English, for readers without script.
  if (language() !== "en") translate();
  document.documentElement.dataset.spoken = "";
}

function translate() {
  for (const element of document.querySelectorAll("*")) {
    for (const { name, value } of [...element.attributes]) {
      if (!name.startsWith(MARK)) continue;
      const text = textOf(/** @type {Key} */ (value));
      if (name === MARK) setWords(element, text);
      else element.setAttribute(name.slice(MARK.length + 1), text);
    }
  }
}

/** Without values: what is in braces stays. */
const textOf = /** @type {(key: Key) => string} */ (say);

/**
 * @param {Element} element
 * @param {string} text `{child}` stands for the element's only child.
 */
function setWords(element, text) {
  const [before = "", after] = text.split("{child}");
  const child = element.firstElementChild;
  if (after === undefined || child === null) element.textContent = text;
  else element.replaceChildren(before, child, after);
}

/**
 * Has a language chosen, for which the page is loaded anew.
 *
 * @param {HTMLSelectElement} select
 * @param {() => void} leave Called before.
 */
export function offerLanguages(select, leave) {
  for (const tag of LANGUAGE_TAGS) {
    const { name } = LANGUAGES[tag];
    select.append(html("option", { value: tag, lang: tag }, name));
  }
  select.value = language();
  select.addEventListener("change", () => {
    keep("localStorage", CHOICE, select.value);
    leave();
    location.reload();
  });
}

function takeChoice() {
  const kept = recall("localStorage", CHOICE);
  return LANGUAGE_TAGS.find((tag) => tag === kept) ?? null;
}
