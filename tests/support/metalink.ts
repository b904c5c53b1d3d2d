import { createHash } from "node:crypto";
import { bytesOf, type OriginFile } from "./origin.ts";
import { start, type Started } from "./process.ts";
import { taskArguments } from "./sluice.ts";

/** A Metalink 4 document of one file. */
export function metalinkOf(
  { name, content, urls }: {
    readonly name: string;
    readonly content: OriginFile;
    readonly urls: readonly string[];
  },
): string {
  const digest = createHash("sha256").update(bytesOf(content)).digest("hex");
  const lines = urls.map((url, n) => `<url priority="${n + 1}">${url}</url>`);
  return `<?xml version="1.0"?>
<metalink xmlns="urn:ietf:params:xml:ns:metalink"><file name="${name}">
<size>${content.size}</size><hash type="sha-256">${digest}</hash>
${lines.join("\n")}</file></metalink>`;
}

/** A document in UTF-16, behind a byte order mark. */
export function inUtf16(document: string): Uint8Array {
  const text = `\uFEFF${document.replace("?>", ' encoding="UTF-16"?>')}`;
  const units = Uint16Array.from(text, (unit) => unit.charCodeAt(0));
  return new Uint8Array(units.buffer);
}

/** Has a program note its parser of XML in no lock file but the tests' own. */
export const TEST_LOCK = ["--lock=tests/deno.lock"];

/** A `get` that reads Metalink documents. */
export function startGet(directory: string, args: readonly string[]): Started {
  const [run = "", ...rest] = taskArguments("get", directory);
  return start([run, ...TEST_LOCK, ...rest, ...args]);
}
