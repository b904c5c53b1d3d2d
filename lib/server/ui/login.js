// @ts-check
/// <reference lib="dom" />
/** Says so where a token was wrong. */

import { byId } from "./dom.js";

if (new URLSearchParams(location.search).has("failed")) {
  byId("failed", HTMLElement).hidden = false;
  byId("token", HTMLInputElement).setAttribute("aria-invalid", "true");
}
