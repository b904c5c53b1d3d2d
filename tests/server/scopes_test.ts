import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { type FileRules, readConfigFile } from "../../lib/cli/config_file.ts";
import { readTokens } from "../../lib/cli/token_tables.ts";
import { UsageError } from "../../lib/cli/usage.ts";
import { DownloadError } from "../../lib/download/errors.ts";
import { refuseBeyond, type Scope } from "../../lib/server/scopes.ts";
import { makeDirectory } from "../support/directory.ts";
import { startWithTokens, TOKENS } from "../support/tokens.ts";
import { file, startOrigin } from "../support/origin.ts";
import { type Client, connect, type Sluice } from "../support/sluice.ts";

const NEVER = "http://127.0.0.1:1/a.bin";

function connectAs(sluice: Sluice, scope: Scope): Promise<Client> {
  const token = new TextEncoder().encode(TOKENS[scope])
    .toBase64({ alphabet: "base64url", omitPadding: true });
  return connect(sluice.url, [`sluice.token.${token}`]);
}

function urlOf(sluice: Sluice, path: string): URL {
  return new URL(path, sluice.url.replace("ws:", "http:"));
}

function bearer(scope: Scope): Record<string, string> {
  return { authorization: `Bearer ${TOKENS[scope]}` };
}

/** The code of a reply; `ok` if it is no error. */
async function codeOf(client: Client, message: object): Promise<string> {
  const reply = await client.request({ ...message });
  return "error" in reply ? reply.error.code : "ok";
}

Deno.test("a refusal names the scope that is needed; what is not known needs all", () => {
  for (
    const [scope, action, needed] of [
      ["read", "list", null],
      ["read", "add", "add"],
      ["add", "add", null],
      ["add", "command", "all"],
      ["add", "aria2.addUri", null],
      ["read", "aria2.tellActive", null],
      ["add", "aria2.changeGlobalOption", "all"],
      ["add", "constructor", "all"],
      ["all", "constructor", null],
    ] as const
  ) {
    try {
      refuseBeyond(scope, action);
      assertEquals(needed, null, action);
    } catch (error) {
      assert(error instanceof DownloadError);
      assertEquals([error.code, error.message], [
        "FORBIDDEN",
        `This needs a token of scope ${needed}; yours has ${scope}.`,
      ]);
    }
  }
});

Deno.test("a socket does what its token's scope reaches", async () => {
  await using sluice = await startWithTokens();
  await using reader = await connectAs(sluice, "read");
  await using adder = await connectAs(sluice, "add");
  await using owner = await connectAs(sluice, "all");
  const id = await adder.add({ url: NEVER, paused: true });
  const commands = [
    ...["pause", "resume", "retry", "remove"].map((action) => ({ action, id })),
    { action: "refresh", id, url: `${NEVER}?a` },
    { action: "limit", id, limit_rate: 2000 },
    { action: "limit", limit_rate: 2000 },
    { action: "limit", max_downloads: 2 },
    { action: "pause", ids: [id] },
    { action: "remove", all: true },
    { action: "verify", id },
    { action: "move", id, to: "top" },
    { action: "prioritize", id, priority: "high" },
    { action: "relocate", id, directory: "a" },
    { action: "list", requests: true },
  ];
  for (const message of [{ url: NEVER }, { urls: [NEVER] }, ...commands]) {
    assertEquals(await codeOf(reader, message), "FORBIDDEN");
  }
  for (const message of commands) {
    assertEquals(await codeOf(adder, message), "FORBIDDEN");
  }
  for (const client of [reader, adder]) {
    for (const action of ["deliveries", "list", "nodes", "ping"]) {
      assertEquals(await codeOf(client, { action }), "ok");
    }
  }
  assertEquals(await codeOf(owner, { action: "remove", id }), "ok");
});

Deno.test("all scopes take finished files, figures and the page's session", async () => {
  await using origin = await startOrigin();
  const url = origin.serve("/a.bin", file(1000));
  await using sluice = await startWithTokens();
  await using adder = await connectAs(sluice, "add");
  const { id } = await adder.end(await adder.add({ url }));
  for (const scope of ["read", "add", "all"] as const) {
    const headers = bearer(scope);
    const answer = await fetch(urlOf(sluice, `/files/${id}`), { headers });
    assertEquals((await answer.bytes()).length, 1000);
    const metrics = await fetch(urlOf(sluice, "/metrics"), { headers });
    assertEquals([metrics.status, (await metrics.text()) !== ""], [200, true]);
    const login = await fetch(urlOf(sluice, "/login"), {
      method: "POST",
      body: new URLSearchParams({ token: TOKENS[scope] }),
      redirect: "manual",
    });
    const cookie = login.headers.get("set-cookie")?.split(";")[0] ?? "";
    await login.body?.cancel();
    const session = await fetch(urlOf(sluice, "/session"), {
      method: "POST",
      headers: { cookie },
    });
    assertEquals(await session.json(), { token: true, scope });
  }
  for (const path of ["/", "/metrics", `/files/${id}`]) {
    const { status, body } = await fetch(urlOf(sluice, path));
    await body?.cancel();
    assertEquals(status, 401, path);
  }
  await sluice.printed(/logged in.*the read/);
  for (const token of Object.values(TOKENS)) {
    assert(!sluice.output().includes(token));
  }
});

Deno.test("aria2's calls do what their token's scope reaches", async () => {
  await using sluice = await startWithTokens();
  async function call(scope: Scope, name: string, ...params: unknown[]) {
    const answer = await fetch(urlOf(sluice, "/jsonrpc"), {
      method: "POST",
      body: JSON.stringify({
        id: 1,
        method: `aria2.${name}`,
        params: [`token:${TOKENS[scope]}`, ...params],
      }),
    });
    const { result, error } = await answer.json();
    return error === undefined ? result : String(error.message);
  }
  const options = { pause: "true", header: ["Authorization: Bearer secret"] };
  const gid = await call("add", "addUri", [NEVER], options);
  const needsAll = "This needs a token of scope all; yours has add.";
  assertEquals(await call("add", "remove", gid), needsAll);
  assertEquals(await call("add", "changeGlobalOption", {}), needsAll);
  assertEquals(
    await call("read", "addUri", [NEVER]),
    "This needs a token of scope add; yours has read.",
  );
  assertEquals((await call("read", "tellStatus", gid)).gid, gid);
  const { header } = await call("all", "getOption", gid);
  assertEquals(String(header).includes("secret"), true);
  assertEquals("header" in await call("read", "getOption", gid), false);

  const globals = { header: "X-Key: secret", "user-agent": "a" };
  await call("all", "changeGlobalOption", globals);
  assertEquals("header" in await call("read", "getGlobalOption"), false);
  for (const [scope, isSent] of [["add", false], ["all", true]] as const) {
    const gid = await call(scope, "addUri", [NEVER], { pause: "true" });
    const sent = await call("all", "getOption", gid);
    assertEquals(["header" in sent, sent["user-agent"]], [isSent, "a"]);
  }
  assertEquals(await call("all", "remove", gid), gid);
});

Deno.test("a mistake in a token is one line that tells no token", async () => {
  const rules: FileRules = {
    settings: ["PORT"],
    tables: ["tokens"],
    named: [],
    isSecret: () => false,
  };
  await using directory = await makeDirectory();
  const path = join(directory.path, "sluice.toml");
  const good =
    `[[tokens]]\nname = "a"\ntoken = "${TOKENS.read}"\nscope = "read"\n`;
  for (
    const [text, said] of [
      [
        `${good}PORT = 1`,
        "sluice.toml:5: settings such as PORT stand before the first table.",
      ],
      [
        `${good}scop = 1`,
        'sluice.toml:5: there is no "scop" here: did you mean scope?',
      ],
      [good.replace('"a"', '""'), "sluice.toml:2: name must be"],
      [
        good.replace("token-of", "to ken"),
        "sluice.toml:3: token must be 16 to 200 visible ASCII characters, not what it is.",
      ],
      [
        good.replace('"read"', '"write"'),
        "sluice.toml:4: scope must be read, add, all.",
      ],
      [good.replace(/\nscope.*/, ""), "sluice.toml:1: scope must be"],
      [
        `${good}\n${good}`,
        "sluice.toml:7: there is another token of the name a.",
      ],
      [
        `${good}\n${good.replace('"a"', '"b"')}`,
        "sluice.toml:8: another one is the same token.",
      ],
      [
        "\n[tokens]\nname = 'a'",
        "sluice.toml:2: each of tokens begins with [[tokens]].",
      ],
      ["\ntokens = 'a'", "sluice.toml:2: each of tokens begins with"],
    ] as const
  ) {
    await Deno.writeTextFile(path, text);
    const { message } = await assertRejects(async () => {
      const settings = await readConfigFile(path, "sluice.toml", rules);
      readTokens(settings.tables("tokens"), rules.settings, null);
    }, UsageError);
    assertEquals(message.slice(0, said.length), said, text);
    assert(!message.includes(TOKENS.read));
  }
  await Deno.writeTextFile(path, good);
  const { tables } = await readConfigFile(path, "sluice.toml", rules);
  assertEquals(readTokens(tables("tokens"), [], null), [
    { name: "a", token: TOKENS.read, scope: "read" },
  ]);
});
