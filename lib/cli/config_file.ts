/** Reads a file of settings in TOML. */

import { isObject, type JsonObject } from "../base/json.ts";
import { errorMessage } from "../base/error_message.ts";
import { mayOthersRead } from "../server/own_file.ts";
import { nearest } from "./nearest.ts";
import { UsageError } from "./usage.ts";

/** What a file of settings may hold. */
export interface FileRules {
  /** The names of settings. */
  readonly settings: readonly string[];
  /** The names of tables, of which there may be several: `[[tokens]]`. */
  readonly tables: readonly string[];
  /** The names of tables that have names of their own: `[proxies.NAME]`. */
  readonly named: readonly string[];
  /** Whether others must not read what the file gives a setting or tables. */
  isSecret(name: string, value: unknown): boolean;
}

/** A file of settings. */
export interface ConfigFile {
  /** What it gives a setting, as the environment would have it. */
  valueOf(name: string): string | undefined;
  /** Where it does so, such as `sluice.toml:3`. */
  placeOf(name: string): string;
  /** Its tables of a name. */
  tables(name: string): readonly Table[];
}

/** One table of a file, `[[tokens]]` or `[proxies.NAME]`. */
export interface Table {
  /** Its own name; empty if it has none. */
  readonly name: string;
  readonly fields: JsonObject;
  /** An error that names its line, or that of one of its fields if it has it. */
  fault(message: string, field?: string): UsageError;
}

/**
 * Reads the file of settings at `path`.
 *
 * @param name What it is called in errors, as the user wrote it.
 * @throws {UsageError} naming the line that makes no sense; or that others may
 * read secrets in it, and what to do.
 */
export async function readConfigFile(
  path: string,
  name: string,
  rules: FileRules,
): Promise<ConfigFile> {
  const toml = await loadParser();
  const text = await read(path);
  const root = parsed();
  for (const key of Object.keys(root)) refuseUnlessKnown(key);
  const secret = Object.keys(root)
    .find((key) => rules.isSecret(key, root[key]));
  if (secret !== undefined && await mayOthersRead(path)) {
    throw fault(
      `others may read ${secret} in it: chmod 600 ${path}`,
      [secret],
    );
  }

  function parsed(): JsonObject {
    try {
      return toml.parse(text);
    } catch (error) {
      if (!(error instanceof toml.TomlError)) throw error;
      // The lines below it show the file's, which may hold secrets.
      const [words = ""] = error.message.split("\n");
      const reason = words.replace(/^Invalid TOML document: /, "");
      throw new UsageError(
        `${name}:${error.line}: this is no TOML: ${reason}.`,
      );
    }
  }

  function refuseUnlessKnown(key: string): void {
    const value = root[key];
    if (rules.tables.includes(key)) {
      if (Array.isArray(value) && value.every(isObject)) return;
      throw fault(`each of ${key} begins with [[${key}]].`, [key]);
    }
    if (rules.named.includes(key)) {
      if (isObject(value) && Object.values(value).every(isObject)) return;
      throw fault(`each of ${key} begins with [${key}.NAME].`, [key]);
    }
    if (!rules.settings.includes(key)) {
      const known = [...rules.settings, ...rules.tables, ...rules.named];
      throw fault(`there is no setting ${shown(key)}${meant(key, known)}`, [
        key,
      ]);
    }
    if (textOf(value) !== undefined) return;
    throw fault(
      `${key} must be a text, a number, true, false, or a list of texts.`,
      [key],
    );
  }

  function fault(message: string, way: readonly (string | number)[]) {
    return new UsageError(`${place(way)}: ${message}`);
  }

  function place(way: readonly (string | number)[]): string {
    return `${name}:${lineOf(text, way, toml.parse)}`;
  }

  return {
    valueOf: (setting) => textOf(root[setting]),
    placeOf: (setting) => place([setting]),
    tables(table) {
      const found = root[table];
      const all = Array.isArray(found)
        ? [...found.entries()]
        : Object.entries(isObject(found) ? found : {});
      return all.flatMap(([place, fields]) =>
        isObject(fields)
          ? {
            name: String(typeof place === "number" ? "" : place),
            fields,
            fault(message: string, field = "") {
              const way = field in fields ? [field] : [];
              return fault(message, [table, place, ...way]);
            },
          }
          : []
      );
    },
  };
}

/**
 * Refuses what a table does not have.
 *
 * @param settings A setting's name among the fields stands in the wrong place.
 * @throws {UsageError}
 */
export function refuseOtherFields(
  { fields, fault }: Table,
  known: readonly string[],
  settings: readonly string[],
): void {
  const other = Object.keys(fields).find((name) => !known.includes(name));
  if (other === undefined) return;
  throw settings.includes(other)
    ? fault(`settings such as ${other} stand before the first table.`, other)
    : fault(`there is no ${shown(other)} here${meant(other, known)}`, other);
}

/** The parser, from an address that Deno cannot read ahead. */
async function loadParser(): Promise<typeof import("./toml.ts")> {
  const name = "./toml.ts";
  return await import(new URL(name, import.meta.url).href);
}

/** @throws {UsageError} */
async function read(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    throw new UsageError(
      `CONFIG_FILE cannot be used: ${errorMessage(error)}.`,
    );
  }
}

/** A value as the environment would have it; undefined if it has no such. */
function textOf(value: unknown): string | undefined {
  if (Array.isArray(value)) {
    const texts = value.map(textOf);
    return texts.includes(undefined) ? undefined : texts.join(",");
  }
  return ["string", "number", "boolean"].includes(typeof value)
    ? String(value)
    : undefined;
}

/**
 * The line where something begins: behind the lines that make sense without it,
 * before those that make sense with it.
 *
 * @param way The names and numbers that lead to it.
 */
function lineOf(
  text: string,
  way: readonly (string | number)[],
  parse: (text: string) => unknown,
): number {
  const lines = text.split("\n");
  let before = 0;
  for (let count = 1; count <= lines.length; count++) {
    try {
      let value = parse(lines.slice(0, count).join("\n"));
      for (const step of way) value = (value as JsonObject | undefined)?.[step];
      if (value !== undefined) break;
      before = count;
    } catch {
      // A value goes on in the next line.
    }
  }
  return before + 1;
}

function meant(typed: string, known: readonly string[]): string {
  const small = known.map((name) => name.toLowerCase());
  const word = nearest(typed, small);
  const name = known.find((name) => name.toLowerCase() === word);
  return name === undefined ? "." : `: did you mean ${name}?`;
}

function shown(name: string): string {
  return JSON.stringify(name.slice(0, 50));
}
