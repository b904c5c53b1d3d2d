// @ts-check
/// <reference lib="dom" />
/** Says what keeps people from logging in, or that they have done so already. */

import { byId, setText } from "./dom.js";
import { askForSession } from "./session.js";

const failed = byId("failed", HTMLElement);
const field = byId("token", HTMLInputElement);

if (location.hash === "#failed") {
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", "failed hint");
}

const session = await askForSession();
if (session.kind === "refused") {
  // The form would be refused likewise, and what was typed lost.
  setText(failed, session.reason);
  failed.classList.add("shown");
} else if (session.kind === "open" && !cameFromHere()) {
  // A link on another site's page brings no session; one of our own does.
  location.replace(`./${location.search}`);
}

function cameFromHere() {
  return URL.parse(document.referrer)?.origin === location.origin;
}
