/**
 * What Sluice uses of a parser of TOML. It is imported by an address that Deno
 * cannot read ahead: a program without CONFIG_FILE never fetches it.
 */

export { parse, TomlError } from "npm:smol-toml@1.9.1";
