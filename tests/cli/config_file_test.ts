import {
  assert,
  assertEquals,
  assertNotMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { join } from "@std/path";
import {
  ConfigError,
  FILE_RULES,
  readConfig,
  readProxies,
} from "../../config.ts";
import { readConfigFile } from "../../lib/cli/config_file.ts";
import { readRules } from "../../lib/cli/rule_tables.ts";
import { readTokens } from "../../lib/cli/token_tables.ts";
import { UsageError } from "../../lib/cli/usage.ts";
import { makeDirectory } from "../support/directory.ts";
import { file, startOrigin } from "../support/origin.ts";
import { projectPath, run, startSluice } from "../support/sluice.ts";
import { commandOf, withFlags } from "../support/permissions.ts";

const TOKEN = "a-token-of-many-letters";

/** Deno would note the parser in the project's own lock file. */
const LOCK = ["--lock=tests/deno.lock"];

/** Reads a file of this text, which its owner alone may read. */
async function read(text: string, mode = 0o600) {
  await using directory = await makeDirectory();
  const path = join(directory.path, "sluice.toml");
  await Deno.writeTextFile(path, text);
  await Deno.chmod(path, mode);
  return await readConfigFile(path, "sluice.toml", FILE_RULES);
}

/** All that a file's settings come to, beside a flag and a variable. */
async function configOf(
  text: string,
  flags: Record<string, string> = {},
  variables: Record<string, string> = {},
) {
  const file = await read(text);
  return readConfig(flags, (name) => variables[name], "serve", file);
}

Deno.test("a file counts before the default, the environment before the file", async () => {
  const text = "PORT = 1\nATTEMPTS = 2\nTHREADS_AMOUNT = 3\n";
  const config = await configOf(text, { port: "4" }, {
    ATTEMPTS: "5",
    PORT: "6",
  });
  assertEquals(
    [config.port, config.attempts, config.threadsAmount, config.lease],
    [4, 5, 3, 15_000],
  );
});

Deno.test("texts, numbers, switches and lists are what the environment has", async () => {
  const config = await configOf(`
    BYTES_AMOUNT = "4MiB" # a comment
    MIN_FREE_SPACE = 1_000
    SYNC = false
    LIMIT_RATE = ""
    AUTH_TOKEN = '${TOKEN}'
    ALLOWED_ORIGINS = [
      "https://a.test",
      "https://b.test",
    ]
    TRUSTED_PROXIES = "loopback"
  `);
  assertEquals(
    [config.bytesAmount, config.minFreeSpace, config.sync, config.limitRate],
    [4 * 1024 * 1024, 1000, false, null],
  );
  assertEquals(config.authToken, TOKEN);
  assertEquals(config.allowedOrigins, ["https://a.test", "https://b.test"]);
  assertEquals(config.trustedProxies, ["127.0.0.0/8", "::1"]);
});

Deno.test("a file names proxies, and the environment's come first", async () => {
  const settings = await read(
    'ALL_PROXY = "socks5://a.test"\nNO_PROXY = ["b.test", "c.test"]\n',
  );
  assertEquals(readProxies(() => undefined, settings), {
    http: "socks5://a.test:1080",
    https: "socks5://a.test:1080",
    direct: ["b.test", "c.test"],
  });
  const own: Record<string, string> = { https_proxy: "http://d.test" };
  const { http, https } = readProxies((name) => own[name], settings);
  assertEquals([http, https], ["socks5://a.test:1080", "http://d.test/"]);
});

Deno.test("a mistake is one line with the file's line number, without its words", async () => {
  for (
    const [text, ...said] of [
      ["PORT = 1\nPORT = ", "sluice.toml:2: this is no TOML: "],
      ["PORT = 1\n\nPORT = 2", "sluice.toml:3: ", "already"],
      ["AUTH_TOKEN = secret-secret-secret", "sluice.toml:1: "],
      [
        "# a\n\nTHREADS = 8",
        'sluice.toml:3: there is no setting "THREADS"',
        "did you mean THREADS_AMOUNT?",
      ],
      ["\nport = 8", "sluice.toml:2: ", "did you mean PORT?"],
      ["x = 8", "sluice.toml:1: ", '"x".'],
      ["CONFIG_FILE = 'a'", "sluice.toml:1: ", '"CONFIG_FILE"'],
      ["PORT = 2026-11-28", "sluice.toml:1: PORT must be a text, a number"],
      ["ATTEMPTS = 1\n[PORT]\na = 1", "sluice.toml:2: PORT must be a text"],
      [
        "ATTEMPTS = [\n  { a = 1 },\n]",
        "sluice.toml:1: ATTEMPTS must be a text",
      ],
    ] as const
  ) {
    const { message } = await assertRejects(() => read(text), UsageError);
    for (const words of said) assertStringIncludes(message, words, text);
    assertNotMatch(message, /\n|secret/);
  }
});

Deno.test("a wrong value is named with its line", async () => {
  for (
    const [text, said] of [
      [
        "SYNC = true\n\nPORT = 65536\n",
        'sluice.toml:3: PORT must be a whole number from 0 to 65535, not "65536".',
      ],
      [
        "ALLOWED_ORIGINS = [\n  'https://a.test',\n  'b.test',\n]\nSYNC = true",
        "sluice.toml:1: ALLOWED_ORIGINS",
      ],
      ["HOST = '''\na\nb'''", "sluice.toml:1: HOST must be"],
      [
        "SYNC = true\nAUTH_TOKEN = 'short'",
        "sluice.toml:2: AUTH_TOKEN must be 16 to 200 visible ASCII characters, not what it is.",
      ],
    ] as const
  ) {
    const { message } = await assertRejects(() => configOf(text), ConfigError);
    assertStringIncludes(message, said);
  }
  const settings = await read("\nHTTP_PROXY = 'ftp://a.test'");
  try {
    readProxies(() => undefined, settings);
    assert(false, "it was read");
  } catch (error) {
    assertStringIncludes(String(error), "sluice.toml:2: HTTP_PROXY must be");
  }
});

Deno.test("a file with secrets that others may read is refused, and says what to do", async () => {
  for (
    const [text, name] of [
      [`SYNC = true\nAUTH_TOKEN = "${TOKEN}"`, "AUTH_TOKEN"],
      ["\nQUEUE = 'nats://localhost/home'", "QUEUE"],
      ["\nHTTPS_PROXY = 'http://me:password@a.test'", "HTTPS_PROXY"],
      ["\n[[rules]]\nhost = 'a'\nheaders = { X-Key = 'secret' }", "rules"],
    ] as const
  ) {
    const { message } = await assertRejects(
      () => read(text, 0o644),
      UsageError,
    );
    assertStringIncludes(
      message,
      `sluice.toml:2: others may read ${name} in it: chmod 600 /`,
    );
    await read(text, 0o600);
  }
  await read("[[rules]]\nheaders = { User-Agent = 'a' }", 0o644);
  await read("PORT = 1\nHTTPS_PROXY = 'http://a.test'\nAUTH_TOKEN = ''", 0o644);
});

Deno.test("a server goes by a file, and names the flag to read it", async () => {
  await using directory = await makeDirectory();
  const path = join(directory.path, "sluice.toml");
  await Deno.writeTextFile(path, "THREADS_AMOUNT = 3\nPORT = 1\n");
  await using sluice = await startSluice({
    directory: directory.path,
    environment: { CONFIG_FILE: path },
    deno: LOCK,
  });
  await sluice.printed(/3 threads/);
  const { words } = commandOf("start");
  const { code, stderr } = await run([
    ...words,
    "--config-file",
    "/etc/sluice.toml",
  ]);
  const lists = [
    projectPath("downloads"),
    projectPath("lib"),
    "/etc/sluice.toml",
  ];
  assertEquals([code, stderr], [
    2,
    `sluice: Permission is missing: run deno with --allow-read=${lists.join()}\n`,
  ]);
});

Deno.test("get goes by the same file, as far as its settings are for it", async () => {
  await using origin = await startOrigin();
  const url = origin.serve("/a.bin", file(1000));
  await using directory = await makeDirectory();
  const path = join(directory.path, "sluice.toml");
  await Deno.writeTextFile(
    path,
    `CONTENT_DIRECTORY = "${directory.path}/files"\nPORT = 1\n`,
  );
  const { words } = commandOf("get");
  const command = withFlags(words, [
    `--allow-read=${projectPath("lib")},${directory.path}`,
    `--allow-write=${directory.path}`,
  ]).filter((word) => !word.startsWith("--content-directory"));
  const { code, stdout } = await run(
    ["run", ...LOCK, ...command.slice(1), url],
    { CONFIG_FILE: path },
  );
  assertEquals([code, stdout], [0, `${directory.path}/files/a.bin\n`]);
});

Deno.test("the README's examples are a file", async () => {
  const readme = await Deno.readTextFile(projectPath("README.md"));
  const blocks = readme.matchAll(/^```toml\n(.*?)^```$/gms)
    .map(([, text = ""]) => text).toArray();
  const tables = blocks.filter((text) => text.startsWith("[["));
  const settings = blocks.filter((text) => !tables.includes(text));
  const file = await read([...settings, ...tables].join("\n"));
  const { threadsAmount, contentDirectory } = readConfig(
    {},
    () => undefined,
    "serve",
    file,
  );
  assertEquals([threadsAmount, contentDirectory], [32, "/srv/files"]);
  const [token] = readTokens(file.tables("tokens"), [], null);
  assertEquals([token?.name, token?.scope], ["phone", "add"]);
  const rules = readRules(file.tables("rules"), [], []);
  assertEquals(rules.map(({ directory }) => directory), [
    "images/{host}",
    "films",
    null,
    "{year}-{month}",
  ]);
});
