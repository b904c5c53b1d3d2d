// @ts-check
/// <reference lib="dom" />
/** Says what keeps people from logging in, and keeps what the page is to add. */

import { byId, setText } from "./dom.js";
import { keepShared } from "./incoming.js";
import { offerLanguages, speakToReader } from "./language.js";
import { askForSession } from "./session.js";

await speakToReader();
offerLanguages(byId("language", HTMLSelectElement), () => {});

keepShared();

const failed = byId("failed", HTMLElement);
const field = byId("token", HTMLInputElement);

if (location.hash === "#token") {
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", "failed hint");
}

const session = await askForSession();
if (session.kind === "refused") {
  // The form would be refused likewise, and what was typed lost.
  setText(failed, session.reason.text);
  failed.lang = session.reason.lang;
  failed.classList.add("shown");
}
