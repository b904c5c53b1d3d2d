/**
 * What drives browsers; slow to load.
 *
 * What only tests need is named in modules like this one, and not in deno.json:
 * Deno fetches all that deno.json or its lock file names when the server starts.
 */

export { type Browser, chromium, type Page } from "npm:playwright-core@1.65.1";
