// @ts-check
/// <reference lib="dom" />
/** What the server says of this page's session, and why it takes no socket. */

/** @import { Scope } from "../scopes.ts" */
import { forget, keep, recall } from "./kept.js";
import { say } from "./words.js";

/**
 * @typedef {object} Reason
 * @property {string} text
 * @property {string} lang Of the text; empty if that is the page's.
 *
 * `open`: a socket would be taken; `token` is whether the server asks for one,
 * `scope` how far this page's reaches.
 * `login`: the session has ended. `refused`: for a reason that is told.
 * `gone`: there is no answer.
 *
 * @typedef {{ kind: "open", token: boolean, scope: Scope }
 *   | { kind: "login" }
 *   | { kind: "refused", reason: Reason }
 *   | { kind: "gone" }} Session
 */

/** How long an answer may take, in milliseconds. */
const PATIENCE = 10_000;

/**
 * Asks the server as a socket does: no browser tells a page why one came to
 * nothing.
 *
 * @returns {Promise<Session>}
 */
export async function askForSession() {
  try {
    const answer = await fetch("session", {
      method: "POST",
      cache: "no-store",
      signal: AbortSignal.timeout(PATIENCE),
    });
    if (answer.status === 401) return { kind: "login" };
    if (!answer.ok) return { kind: "refused", reason: await reasonIn(answer) };
    const { token, scope } = await answer.json();
    return { kind: "open", token, scope };
  } catch {
    return { kind: "gone" };
  }
}

/**
 * @param {Response} answer
 * @returns {Promise<Reason>}
 */
async function reasonIn(answer) {
  // What is no plain text is a proxy's.
  return answer.headers.get("content-type")?.startsWith("text/plain")
    ? { text: (await answer.text()).trim(), lang: "en" }
    : {
      text: say("connection.before", { status: String(answer.status) }),
      lang: "",
    };
}

/** The key of the links that were typed but not added. */
const DRAFT = "sluice.draft";

/**
 * Keeps what was typed, over a login in the same tab.
 *
 * @param {string} text
 */
export function keepDraft(text) {
  keep("sessionStorage", DRAFT, text);
}

/** What was typed before the login; it is kept no longer. */
export function takeDraft() {
  const text = recall("sessionStorage", DRAFT) ?? "";
  forget("sessionStorage", DRAFT);
  return text;
}
