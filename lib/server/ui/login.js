// @ts-check
/// <reference lib="dom" />
/** Says so where a token was wrong, and keeps what the page is to add. */

import { byId } from "./dom.js";
import { keepShared } from "./incoming.js";

keepShared();

if (new URLSearchParams(location.search).has("failed")) {
  byId("failed", HTMLElement).hidden = false;
  byId("token", HTMLInputElement).setAttribute("aria-invalid", "true");
}
