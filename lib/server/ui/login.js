// @ts-check
/// <reference lib="dom" />
/** Marks the field where a token was wrong. */

import { byId } from "./dom.js";

if (location.hash === "#failed") {
  const field = byId("token", HTMLInputElement);
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", "failed hint");
}
