/**
 * Clients of aria2's JSON-RPC that others have written.
 *
 * What only tests need is named in modules like this one, and not in deno.json:
 * Deno fetches all that deno.json or its lock file names when the server starts.
 */

export { default as NpmAria2 } from "npm:aria2@4.1.2";
export { default as Aria2 } from "npm:@baptistecdr/aria2@5.0.3";
