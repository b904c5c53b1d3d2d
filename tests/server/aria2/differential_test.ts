import { assertEquals } from "@std/assert";
import {
  call,
  listen,
  type Listener,
  post,
  type Replied,
  type Rpc,
  startAria2,
  type Transport,
} from "../../support/aria2.ts";
import {
  file,
  forever,
  type Origin,
  startOrigin,
} from "../../support/origin.ts";
import { inUtf16, metalinkOf, TEST_LOCK } from "../../support/metalink.ts";
import { startSluice } from "../../support/sluice.ts";

const SECRET = "a secret of 16 or more".replaceAll(" ", "-");
const KiB = 1024;

/** Gids that the downloads get, so that both sides have the same. */
const GID = {
  waits: "aa00000000000001",
  named: "aa00000000000002",
  whole: "bb00000000000003",
  missing: "cc00000000000004",
  held: "dd00000000000005",
  mirrored: "ff00000000000006",
  unknown: "eeeeeeeeeeeeeeee",
};

/**
 * The differences that are meant, by the call that shows them. A call that is
 * here and shows none fails, too.
 */
const MEANT: Readonly<Record<string, string>> = {
  "getVersion": "only what Sluice can do is named",
  "getSessionInfo": "each process has an id of its own",
  "getOption named": "options that mean nothing here are not made up",
  "getGlobalOption": "options that mean nothing here are not made up",
  "saveSession": "all is recorded without being asked to",
  "shutdown": "clients do not stop a server that others use",
  "addTorrent": "Sluice takes no torrents",
  "addMetalink": "Sluice says what is wrong, and what to do",
  "addMetalink no padding": "base64 is read without its end, too",
  "addMetalink no XML": "Sluice says what is wrong, and what to do",
  "addMetalink no file": "what asks for nothing is refused",
  "addMetalink no URL": "what cannot be fetched is refused, not added",
  "addMetalink ftp": "Sluice takes http and https",
  "addMetalink version 3": "Sluice takes version 4 (RFC 5854)",
  "addMetalink up": "of a name that leads elsewhere, Sluice takes the end",
  "addUri magnet": "Sluice takes http and https",
  "addUri ftp": "Sluice takes http and https",
  "addUri hook": "Sluice runs no programs, and says so",
  "addUri dir elsewhere": "files go below the content directory",
  "addUri connections 17": "Sluice has no such limit, and Motrix asks for 64",
  "addUri sha-384": "a checksum that cannot be checked is no checksum",
  "addUri dots": "another path would be asked for",
  "tellStatus removed waiting": "a removed one is told of until it is purged",
  "removeDownloadResult removed waiting":
    "a removed one is told of until it is purged",
  "getGlobalStat at the end": "aria2 counts on after a purge",
};

/** What is called, and what it is called in the table. */
type Step = readonly [name: string, method: string, ...params: unknown[]];

/** One call for each thing that can be wrong with what it is called with. */
function faultySteps(): Step[] {
  const { unknown } = GID;
  const methods = [
    ...["remove", "forceRemove", "pause", "forcePause", "unpause"],
    ...["tellStatus", "getUris", "getFiles", "getServers", "getPeers"],
    ...["getOption", "removeDownloadResult", "changeOption", "changeUri"],
    "changePosition",
  ];
  const gids = [5, "", "zz", unknown, unknown.toUpperCase(), "0".repeat(17)];
  const more: Record<string, unknown[]> = {
    changeOption: [{}],
    changeUri: [1, [], []],
    changePosition: [0, "POS_SET"],
  };
  return methods.flatMap((method): Step[] => [
    [`${method} nothing`, method],
    ...gids.map((gid): Step => [
      `${method} ${JSON.stringify(gid)}`,
      method,
      gid,
      ...more[method] ?? [],
    ]),
    [`${method} ambiguous`, method, "aa", ...more[method] ?? []],
  ]);
}

/** Options that one side or the other may refuse. */
const OPTIONS: Record<string, Record<string, unknown>> = {
  "split 0": { split: "0" },
  "split x": { split: "x" },
  "limit 1.5M": { "max-download-limit": "1.5M" },
  "limit empty": { "max-download-limit": "" },
  "limit -1": { "max-download-limit": "-1" },
  "connections 17": { "max-connection-per-server": "17" },
  "checksum foo": { checksum: "foo=12" },
  "checksum short": { checksum: "sha-256=12" },
  "sha-384": { checksum: `sha-384=${"ab".repeat(48)}` },
  "pause maybe": { pause: "maybe" },
  "gid zz": { gid: "zz" },
  "gid short": { gid: "aa" },
  "gid zero": { gid: "0000000000000000" },
  "gid empty": { gid: "" },
  "gid taken": { gid: GID.waits },
  "allocation": { "file-allocation": "zzz" },
  "timeout 0": { timeout: "0" },
  "tries -1": { "max-tries": "-1" },
  "min-split-size 1K": { "min-split-size": "1K" },
  "lowest 1G": { "lowest-speed-limit": "1G" },
  "retry-wait 601": { "retry-wait": "601" },
  "hook": { "on-download-complete": "/bin/true" },
  "dir elsewhere": { dir: "/proc/elsewhere" },
};

function addingSteps(origin: Origin): Step[] {
  const url = origin.url("/never");
  const paused = { pause: "true" };
  const uris: Record<string, unknown> = {
    "no scheme": ["foo"],
    "none": [],
    "empty": [""],
    "number": [5],
    "text": "x",
    "file": ["file:///etc/passwd"],
    "magnet": [`magnet:?xt=urn:btih:${"ab".repeat(20)}`],
    "ftp": ["ftp://127.0.0.1:1/b"],
    "dots": [origin.url("/a/../b")],
  };
  return [
    ["addUri nothing", "addUri"],
    ["addUri options 5", "addUri", [url], 5],
    ["addUri position x", "addUri", [url], paused, "x"],
    ["addUri position -1", "addUri", [url], paused, -1],
    ...Object.entries(uris).map(([name, given]): Step => [
      `addUri ${name}`,
      "addUri",
      given,
      paused,
    ]),
    ...Object.entries(OPTIONS).map(([name, options]): Step => [
      `addUri ${name}`,
      "addUri",
      [url],
      { ...paused, ...options },
    ]),
  ];
}

/** Metalink documents, and what is added of them. */
function documentSteps(origin: Origin): Step[] {
  const content = file(3_000 * KiB, 7);
  const fileOf = (name: string) =>
    metalinkOf({
      name,
      content,
      urls: ["/one", "/two?a=1&amp;b=2"].map((path) => origin.url(path)),
    }).match(/<file.*<\/file>/s)?.[0] ?? "";
  const documentOf = (files: string) =>
    btoa(
      `<?xml version="1.0"?>
<metalink xmlns="urn:ietf:params:xml:ns:metalink">${files}</metalink>`,
    );
  const paused = { pause: "true" };
  const two = documentOf(fileOf("a.bin") + fileOf("b.bin"));
  const options: Record<string, Record<string, unknown>> = {
    "alike": { out: "x/c.bin", checksum: `md5=${"0".repeat(32)}` },
    "gid": { gid: "00000000000000ab" },
    "gid zz": { gid: "zz" },
    "split x": { split: "x" },
    ...Object.fromEntries(
      ["2", "1-2", "2, 1", "2-1", "3", "", "0", "x", "1-", "-2", "1,x"]
        .map((value) => [`select ${value}`, { "select-file": value }]),
    ),
  };
  const urlOf = (url: string) => `<file name="x"><url>${url}</url></file>`;
  const documents: Record<string, string> = {
    "lines": two.replace(/.{76}/g, "$&\n"),
    "below": documentOf(fileOf("sub/dir/a.bin")),
    "in UTF-16": btoa(
      String.fromCharCode(...inUtf16(atob(documentOf(fileOf("a.bin"))))),
    ),
    "no padding": two.replace(/=+$/, ""),
    "no XML": btoa("foo"),
    "no file": documentOf(""),
    "no URL": documentOf('<file name="x"></file>'),
    "ftp": documentOf(urlOf("ftp://127.0.0.1:1/b")),
    "version 3": btoa(
      '<metalink version="3.0" xmlns="http://www.metalinker.org/"><files>' +
        '<file name="x"><resources><url type="http">http://127.0.0.1:1/b' +
        "</url></resources></file></files></metalink>",
    ),
    "up": documentOf(fileOf("../x")),
  };
  return [
    ["addMetalink nothing", "addMetalink"],
    ["addMetalink 5", "addMetalink", 5],
    ["addMetalink options 5", "addMetalink", two, 5],
    ["addMetalink position x", "addMetalink", two, paused, "x"],
    ["addMetalink position -1", "addMetalink", two, paused, -1],
    ["addMetalink two", "addMetalink", two, paused],
    ["tellWaiting described", "tellWaiting", 0, 9],
    ["addMetalink in between", "addMetalink", two, paused, 1],
    ["tellWaiting described twice", "tellWaiting", 0, 9],
    ...Object.entries(options).map(([name, given]): Step => [
      `addMetalink ${name}`,
      "addMetalink",
      two,
      { ...paused, ...given },
    ]),
    ["tellWaiting all described", "tellWaiting", 0, 99],
    ...Object.entries(documents).flatMap(([name, document]): Step[] => [
      [`addMetalink ${name}`, "addMetalink", document, paused, 0],
      ...`addMetalink ${name}` in MEANT
        ? []
        : [[`tellWaiting ${name}`, "tellWaiting", 0, 1] as const],
    ]),
    ["addMetalink", "addMetalink", "x"],
  ];
}

/** Calls that change nothing, on downloads of every kind. */
function readingSteps(): Step[] {
  const gids = [GID.waits, GID.named, GID.whole, GID.missing, GID.held];
  const names = ["waits", "named", "whole", "missing", "held"];
  const methods = [
    ...["tellStatus", "getUris", "getFiles", "getServers", "getPeers"],
  ];
  return [
    ...gids.flatMap((gid, n): Step[] =>
      methods.map((method) => [`${method} ${names[n]}`, method, gid])
    ),
    ["getOption named", "getOption", GID.named],
    ["tellStatus capitals", "tellStatus", GID.waits.toUpperCase()],
    ["tellStatus prefix", "tellStatus", "bb"],
    ["tellStatus keys", "tellStatus", GID.waits, ["gid", "status", "zz"]],
    ["tellStatus keys 5", "tellStatus", GID.waits, [5]],
    ["tellStatus no keys", "tellStatus", GID.waits, []],
    ["tellStatus text", "tellStatus", GID.waits, "gid"],
    ["tellActive", "tellActive", ["gid", "status"]],
    ["tellActive 5", "tellActive", 5],
    ["tellWaiting nothing", "tellWaiting"],
    ["tellWaiting 0", "tellWaiting", 0],
    ["tellWaiting text", "tellWaiting", "0", 2],
    ["tellWaiting less", "tellWaiting", 0, -1],
    ...[[0, 9], [1, 9], [-1, 9], [-2, 1], [9, 9], [-9, 9], [0, 0], [1.5, 1]]
      .flatMap(([offset, count]): Step[] =>
        ["tellWaiting", "tellStopped"].map((method) => [
          `${method} ${offset} ${count}`,
          method,
          offset,
          count,
          ["gid"],
        ])
      ),
    ["getGlobalStat", "getGlobalStat"],
    ["getGlobalOption", "getGlobalOption"],
    ["getVersion", "getVersion"],
    ["getSessionInfo", "getSessionInfo"],
    ["nothing", "nothing"],
    ["addTorrent", "addTorrent", "x"],
    ["addTorrent nothing", "addTorrent"],
  ];
}

/** Calls that change things, each as aria2 allows it, or not. */
function changingSteps(origin: Origin): Step[] {
  const { waits, whole, missing, held } = GID;
  const stopped = [whole, missing].flatMap((gid, n): Step[] => {
    const name = ["whole", "missing"][n];
    return [
      ...["pause", "forcePause", "unpause", "remove", "forceRemove"]
        .map((method): Step => [`${method} ${name}`, method, gid]),
      [`changeOption ${name}`, "changeOption", gid, {}],
      [`changeUri ${name}`, "changeUri", gid, 1, [], []],
      [`changePosition ${name}`, "changePosition", gid, 0, "POS_SET"],
    ];
  });
  const url = origin.url("/never");
  return [
    ...stopped,
    ["pause waits", "pause", waits],
    ["unpause held", "unpause", held],
    ["changePosition held", "changePosition", held, 0, "POS_SET"],
    ["removeDownloadResult held", "removeDownloadResult", held],
    ["removeDownloadResult waits", "removeDownloadResult", waits],
    ["changePosition X", "changePosition", waits, 0, "X"],
    ["changePosition text", "changePosition", waits, "0", "POS_SET"],
    ["changePosition two", "changePosition", waits, 0],
    ["changePosition same", "changePosition", waits, 0, "POS_SET"],
    ["changePosition back", "changePosition", waits, 1, "POS_SET"],
    ["tellWaiting moved", "tellWaiting", 0, 9, ["gid"]],
    ["changePosition on", "changePosition", waits, 1, "POS_CUR"],
    ["changePosition up", "changePosition", waits, -1, "POS_CUR"],
    ["changePosition to the end", "changePosition", waits, 0, "POS_END"],
    ["changePosition before it", "changePosition", waits, -1, "POS_END"],
    ["tellWaiting before it", "tellWaiting", -1, 9, ["gid"]],
    ["changePosition too low", "changePosition", waits, -9, "POS_CUR"],
    ["changePosition too high", "changePosition", waits, 9, "POS_SET"],
    ["changePosition beyond", "changePosition", waits, 9, "POS_END"],
    ["changePosition first", "changePosition", waits, 0, "POS_SET"],
    ["changeUri 0", "changeUri", waits, 0, [], []],
    ["changeUri 2", "changeUri", waits, 2, [], []],
    ["changeUri three", "changeUri", waits, 1, []],
    ["changeUri", "changeUri", waits, 1, [url], [`${url}2`, "foo"]],
    ["getUris changed", "getUris", waits],
    ["changeOption 5", "changeOption", waits, 5],
    ["changeOption x", "changeOption", waits, { split: "x" }],
    ["changeOption", "changeOption", waits, { pause: "false", foo: "x" }],
    ["changeGlobalOption nothing", "changeGlobalOption"],
    ["changeGlobalOption 5", "changeGlobalOption", 5],
    ["changeGlobalOption", "changeGlobalOption", { foo: "x", out: "x" }],
    ["changeGlobalOption 0", "changeGlobalOption", {
      "max-concurrent-downloads": "0",
    }],
    ["remove held", "remove", held],
  ];
}

/** Calls after `held` was removed. */
const LAST: readonly Step[] = [
  ["tellStatus removed", "tellStatus", GID.held],
  ["remove removed", "remove", GID.held],
  ["tellStopped all", "tellStopped", 0, 9, ["gid", "status", "errorCode"]],
  ["tellStopped back", "tellStopped", -1, 2, ["gid", "status"]],
  ["addUri in between", "addUri", ["http://127.0.0.1:9/between"], {
    pause: "true",
    gid: "0123456789abcdef",
  }, 1],
  ["tellWaiting in between", "tellWaiting", 0, 9, ["gid"]],
  ["remove in between", "remove", "0123456789abcdef"],
  ["remove waiting", "remove", GID.named],
  ["tellStatus removed waiting", "tellStatus", GID.named],
  ["removeDownloadResult removed waiting", "removeDownloadResult", GID.named],
  ["removeDownloadResult whole", "removeDownloadResult", GID.whole],
  ["tellStatus whole gone", "tellStatus", GID.whole],
  ["pauseAll", "pauseAll"],
  ["forcePauseAll", "forcePauseAll"],
  ["unpauseAll", "unpauseAll"],
];

/** Calls after `waits` has failed, to the end of aria2c. */
const AT_THE_END: readonly Step[] = [
  ["purgeDownloadResult", "purgeDownloadResult"],
  ["tellStopped purged", "tellStopped", 0, 9, ["gid"]],
  ["getGlobalStat at the end", "getGlobalStat"],
  ["saveSession", "saveSession"],
  ["shutdown", "shutdown"],
];

/** What clients could notice of a reply, but for what differs by the moment. */
function noticeable(reply: Replied, { directory }: Rpc): unknown {
  const { status, result, error } = reply;
  const text = JSON.stringify({ status, result, error })
    .replaceAll(directory, "DIR");
  return JSON.parse(text, (key, value) => {
    if (key === "uris" && Array.isArray(value)) return oneOfEach(value);
    if (key === "errorMessage" && value !== "") return "why";
    if (["downloadSpeed", "connections"].includes(key)) return "some";
    if (isMadeUp(value)) return "some gid";
    const begun = value?.status === "active" || value?.status === "removed" ||
      String(value?.path).endsWith("/held");
    return begun ? { ...value, bitfield: "", completedLength: "" } : value;
  });
}

/** Whether it is a gid that one side has made up. */
function isMadeUp(value: unknown): boolean {
  return typeof value === "string" && /^[0-9a-f]{16}$/.test(value) &&
    !Object.values<string>(GID).includes(value);
}

/** aria2 names a URI once for each connection that it may have. */
function oneOfEach(uris: readonly { uri: string }[]): unknown {
  return [...new Set(uris.map(({ uri }) => uri))];
}

/** Both sides, and what is put to both. */
class Twins {
  readonly differing = new Set<string>();

  constructor(
    readonly sides: readonly (Rpc & { listener: Listener })[],
    readonly transport: Transport,
    readonly token: string | null,
  ) {}

  async put(step: Step): Promise<void> {
    const [name, method, ...params] = step;
    const given = this.token === null ? params : [this.token, ...params];
    const [theirs, ours] = await Promise.all(this.sides.map(async (side) => {
      const reply = await call(
        side,
        side.listener,
        this.transport,
        `aria2.${method}`,
        given,
      );
      return noticeable(reply, side);
    }));
    if (JSON.stringify(sorted(theirs)) === JSON.stringify(sorted(ours))) return;
    if (!(name in MEANT)) assertEquals(ours, theirs, name);
    this.differing.add(name);
  }

  async all(steps: readonly Step[]): Promise<void> {
    for (const step of steps) await this.put(step);
  }

  /** Resolves once both have told of it. */
  async notice(method: string, gid: string): Promise<void> {
    await Promise.all(
      this.sides.map(({ listener }) => listener.notice(method, gid)),
    );
  }
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1)
      .map(([key, value]) => [key, sorted(value)]),
  );
}

for (
  const [transport, secret] of [
    ["post", SECRET],
    ["post", null],
    ["get", SECRET],
    ["socket", SECRET],
    ["batch", null],
    ["multicall", SECRET],
  ] as const
) {
  const by = `${transport}, ${
    secret === null ? "without a" : "with the"
  } token`;
  Deno.test(`aria2c and Sluice answer alike: ${by}`, async () => {
    await using origin = await startOrigin();
    await using theirs = await startAria2(secret);
    await using sluice = await startSluice({
      environment: secret === null ? {} : { AUTH_TOKEN: secret },
      deno: TEST_LOCK,
    });
    const url = `${sluice.url.replace(/^ws/, "http")}jsonrpc`;
    const ours = { url, directory: sluice.directory };
    await using one = await listen(theirs.url);
    await using other = await listen(ours.url);
    const sides = [
      { ...theirs, listener: one },
      { ...ours, listener: other },
    ];
    const twins = new Twins(
      sides,
      transport,
      secret === null ? null : `token:${secret}`,
    );
    const paused = { pause: "true" };
    const whole = origin.serve("/whole", file(3_000 * KiB, 7));
    const missing = origin.serve("/missing", null);
    const held = origin.serve("/held", file(2_000 * KiB, 9), {
      gates: { [64 * KiB]: forever },
    });
    const never = origin.url("/never");
    await twins.all([
      ["add waits", "addUri", [never], { ...paused, gid: GID.waits }],
      ["add named", "addUri", [never, `${never}?mirror`], {
        ...paused,
        gid: GID.named,
        out: "a/b.bin",
        header: ["A: 1", "B: 2"],
        "max-download-limit": "1M",
      }],
      ["add whole", "addUri", [whole], { gid: GID.whole }],
    ]);
    await twins.notice("onDownloadStart", GID.whole);
    await twins.notice("onDownloadComplete", GID.whole);
    await twins.put([
      "add mirrored",
      "addUri",
      [missing, whole],
      { gid: GID.mirrored, out: "mirrored.bin" },
    ]);
    await twins.notice("onDownloadComplete", GID.mirrored);
    await twins.all([
      ["tellStatus mirrored", "tellStatus", GID.mirrored],
      ["getFiles mirrored", "getFiles", GID.mirrored],
    ]);
    await twins.put(["add missing", "addUri", [missing], { gid: GID.missing }]);
    await twins.notice("onDownloadError", GID.missing);
    await twins.put(["add held", "addUri", [held], { gid: GID.held }]);
    await twins.notice("onDownloadStart", GID.held);
    const heard = await Promise.all(
      sides.map((side) => sizeKnown(side, twins.token)),
    );
    assertEquals(heard, [String(2_000 * KiB), String(2_000 * KiB)]);
    await twins.all(documentSteps(origin));
    await purgeWaiting(twins);
    await twins.all(faultySteps());
    await twins.all(addingSteps(origin));
    await purgeWaiting(twins);
    await twins.all(readingSteps());
    await twins.all(changingSteps(origin));
    await twins.notice("onDownloadStop", GID.held);
    await twins.all(LAST);
    await twins.notice("onDownloadError", GID.waits);
    await twins.all(AT_THE_END);
    assertEquals([...twins.differing].sort(), Object.keys(MEANT).sort());
    assertEquals(noticesOf(other), noticesOf(one));
  });
}

/** What a client was told of each download, in order. */
function noticesOf({ messages }: Listener): Record<string, string[]> {
  const told: Record<string, string[]> = {};
  for (const { method, params, ...rest } of messages) {
    if (typeof method !== "string") continue;
    assertEquals(rest, { jsonrpc: "2.0" });
    const [{ gid }] = params as [{ gid: string }];
    // One side may take what the other refuses.
    if (Object.values(GID).includes(gid)) (told[gid] ??= []).push(method);
  }
  return told;
}

/** Takes away what one side has added and the other refused. */
async function purgeWaiting({ sides, token }: Twins): Promise<void> {
  const params = token === null ? [] : [token];
  for (const side of sides) {
    const { listener } = side;
    const { result } = await call(side, listener, "post", "aria2.tellWaiting", [
      ...params,
      ...[0, 100, ["gid"]],
    ]);
    for (const { gid } of result as { gid: string }[]) {
      if (gid === GID.waits || gid === GID.named) continue;
      for (const method of ["remove", "removeDownloadResult"]) {
        await call(side, listener, "post", `aria2.${method}`, [...params, gid]);
      }
    }
  }
}

/** The size of the download that is held, once its answer's head has come. */
async function sizeKnown(
  side: Rpc & { listener: Listener },
  token: string | null,
): Promise<unknown> {
  const params = token === null ? [] : [token];
  for (;;) {
    const { result } = await call(
      side,
      side.listener,
      "post",
      "aria2.tellStatus",
      [...params, GID.held, ["totalLength", "completedLength"]],
    );
    const { totalLength } = result as { totalLength: string };
    if (totalLength !== "0") return totalLength;
  }
}

/** Messages that are no right call, and what the same are as a query. */
const MESSAGES = [
  "",
  "{",
  "[]",
  '"x"',
  "null",
  "{}",
  "[5]",
  "[{}]",
  '{"id":1}',
  '{"method":"aria2.getGlobalStat"}',
  '{"id":1,"method":5}',
  '{"id":1,"method":"x"}',
  ...["{}", "null", '"x"', "5"].map((params) =>
    `{"id":1,"method":"aria2.getGlobalStat","params":${params}}`
  ),
  ...["9007199254740991", '""', "0", "null", "true", "[1,{}]", '"é\\u00e9"']
    .map((id) => `{"id":${id},"method":"system.listNotifications"}`),
  '[{"id":1,"method":"system.listNotifications"},{"id":2,"method":"x"},5,{"id":3},{"method":"x"},[]]',
  '[{"id":1,"method":"x","params":{}}]',
  '{"id":1,"method":"system.multicall"}',
  '{"id":1,"method":"system.multicall","params":[5]}',
  '{"id":1,"method":"system.multicall","params":[[5]]}',
  '{"id":1,"method":"system.multicall","params":["token:x",[]]}',
  '{"id":1,"method":"system.multicall","params":[[{"params":[]},{"methodName":5},{"methodName":"system.multicall","params":[[]]},{"methodName":"x","params":5},{"methodName":"system.listNotifications"}]]}',
  '{"id":1,"method":"system.listMethods","params":["token:x",5]}',
];

const QUERIES = [
  "",
  "?",
  "?method=system.listNotifications",
  "?id=1",
  "?method=&id=",
  "?jsoncallback=cb",
  "?id=1&method=system.listNotifications",
  "?id=a%20b&method=system.listNotifications&_=5",
  "?id=1&method=system.listNotifications&params=zz",
  "?id=1&method=system.listNotifications&params=W10%3D",
  "?id=1&method=system.listNotifications&params=W10=&jsoncallback=a.b",
  "?id=1&method=x&jsoncallback=cb",
  "?id=1&method=system.listNotifications&params=e30%3D",
  "?params=e30%3D",
  "?params=W10%3D",
];

/** As the JSON that it is, whatever may be escaped in it. */
function plain(text: string): unknown {
  const [, name = "", json = text] = text.match(/^([\w.]+)\((.*)\)$/s) ?? [];
  const value = JSON.parse(json);
  return Array.isArray(value?.result)
    ? { name, ...value, result: [...value.result].sort() }
    : { name, value };
}

for (const secret of [SECRET, null]) {
  const token = secret === null ? "without a token" : "where a token is set";
  Deno.test(`what is no right call is refused alike ${token}`, async () => {
    await using theirs = await startAria2(secret);
    await using sluice = await startSluice({
      environment: secret === null ? {} : { AUTH_TOKEN: secret },
    });
    const ours = `${sluice.url.replace(/^ws/, "http")}jsonrpc`;
    const urls = [theirs.url, ours];
    for (const message of MESSAGES) {
      const [right, is] = await Promise.all(urls.map(async (url) => {
        const { status, text, headers } = await post(url, message);
        const type = headers.get("content-type");
        return { status, type, reply: plain(text) };
      }));
      assertEquals(is, right, message);
    }
    for (const query of QUERIES) {
      const [right, is] = await Promise.all(urls.map(async (url) => {
        const response = await fetch(url + query);
        const { status, headers } = response;
        const type = headers.get("content-type");
        return { status, type, reply: plain(await response.text()) };
      }));
      assertEquals(is, right, query);
    }
  });
}
