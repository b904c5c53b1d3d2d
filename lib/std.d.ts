/**
 * Types of those functions of the standard library that Sluice uses: the npm
 * package that carries it has none. Delete this file once the import map takes
 * the library from JSR.
 */

declare module "@std/cli/parse-args" {
  export interface ParseOptions {
    readonly boolean?: readonly string[];
    readonly string?: readonly string[];
    readonly collect?: readonly string[];
    readonly alias?: Readonly<Record<string, string>>;
    readonly stopEarly?: boolean;
    readonly "--"?: boolean;
    readonly unknown?: (arg: string, key?: string, value?: unknown) => unknown;
  }
  export function parseArgs(
    args: readonly string[],
    options?: ParseOptions,
  ): Record<string, unknown> & { _: (string | number)[] };
}

declare module "@std/fs" {
  export function ensureDir(dir: string | URL): Promise<void>;
  export function exists(path: string | URL): Promise<boolean>;
}

declare module "@std/http/etag" {
  export function eTag(
    entity: string | Uint8Array,
  ): Promise<string | undefined>;
  export function ifNoneMatch(
    value: string | null,
    etag: string | undefined,
  ): boolean;
}

declare module "@std/path" {
  export function basename(path: string): string;
  export function dirname(path: string): string;
  export function fromFileUrl(url: string | URL): string;
  export function join(...paths: string[]): string;
  export function relative(from: string, to: string): string;
  export function resolve(...paths: string[]): string;
  export function toFileUrl(path: string): URL;
}

declare module "@std/fs/ensure-dir" {
  export { ensureDir } from "@std/fs";
}

declare module "@std/path/basename" {
  export { basename } from "@std/path";
}

declare module "@std/path/join" {
  export { join } from "@std/path";
}

declare module "@std/path/relative" {
  export { relative } from "@std/path";
}

declare module "@std/path/resolve" {
  export { resolve } from "@std/path";
}

declare module "@std/path/to-file-url" {
  export { toFileUrl } from "@std/path";
}
