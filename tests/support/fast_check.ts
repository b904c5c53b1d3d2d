/**
 * Property tests.
 *
 * What only tests need is named in modules like this one, and not in deno.json:
 * Deno fetches all that deno.json or its lock file names when the server starts.
 */

export * from "npm:fast-check@4.3.0";
