/** A worker that finds, in place of downloads, what it may do. */

/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />

import type { ReaderOrder, ReaderReport } from "../../../lib/store/reader.ts";

let path = "";

self.onmessage = async ({ data }: MessageEvent<ReaderOrder>) => {
  if (data.type === "close") return report({ type: "closed" });
  if (data.type === "open") return void (path = data.path);
  const asked: Deno.PermissionDescriptor[] = [
    { name: "read" },
    { name: "read", path },
    { name: "read", path: `${path}/..` },
    { name: "read", path: `${path}-wal` },
    { name: "write" },
    { name: "write", path },
    { name: "net" },
    { name: "env" },
    { name: "run" },
    { name: "ffi" },
    { name: "sys" },
    { name: "import" },
  ];
  const ids: string[] = [];
  for (const one of asked) {
    const { state } = await Deno.permissions.query(one);
    const of = "path" in one ? ` ${one.path}` : "";
    if (state === "granted") ids.push(one.name + of);
  }
  report({ type: "found", id: data.id, found: { ids, total: ids.length } });
};

function report(message: ReaderReport): void {
  self.postMessage(message);
}
