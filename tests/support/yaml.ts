/** Reads YAML. (Not in deno.json: see fast_check.ts.) */

export { parse as parseYaml } from "npm:yaml@2.8.1";
