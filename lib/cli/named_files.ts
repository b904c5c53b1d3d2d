/** The files that a command line names, to be read for what it asks. */

import { resolve } from "@std/path/resolve";
import type { Invocation } from "./arguments.ts";
import { ownFiles } from "./permissions.ts";

/** The commands whose operands are URLs, and Metalink documents. */
const TAKING_URLS: readonly string[] = ["get", "add"];

/** The permissions to read the files that flags and operands name. */
export function namedFiles(
  { flags, operands, command: { name } }: Invocation,
): Deno.PermissionDescriptor[] {
  const documents = TAKING_URLS.includes(name)
    ? documentsIn(flags, operands)
    : [];
  const lists = [
    ...[flags["input-file"], flags.curl].flatMap(listOf),
    ...(name === "import" ? operands : []),
    ...documents,
  ].filter((path) => path !== "-");
  const jars = listOf(flags.cookie).filter(isCookieFile);
  const netrc = flags["netrc-file"];
  return [
    ...lists,
    ...jars,
    ...(typeof netrc === "string" ? [netrc] : []),
    // The parser of documents is loaded for them alone.
    ...(documents.length > 0 ? ownFiles() : []),
  ].map((path) => ({ name: "read", path: resolve(path) }));
}

/** The paths of Metalink documents, `-` for standard input. */
export function documentsIn(
  flags: Invocation["flags"],
  operands: readonly string[],
): string[] {
  return [...listOf(flags.metalink), ...operands.filter(isMetalinkFile)];
}

/** Whether an operand is the path of a Metalink document, and no URL. */
export function isMetalinkFile(operand: string): boolean {
  return operand.endsWith(".meta4") && !/^[a-z][a-z\d+.-]*:\/\//i.test(operand);
}

/** Whether the value of `--cookie` is the path of a file, and no `name=value`. */
export function isCookieFile(value: string): boolean {
  return !value.includes("=");
}

/** The values of a flag that may be given more than once. */
export function listOf(given: unknown): string[] {
  return Array.isArray(given) ? given.map(String) : [];
}
