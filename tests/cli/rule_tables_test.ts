import { assertEquals, assertNotMatch, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { FILE_RULES } from "../../config.ts";
import { readConfigFile } from "../../lib/cli/config_file.ts";
import { readRules } from "../../lib/cli/rule_tables.ts";
import { UsageError } from "../../lib/cli/usage.ts";
import { makeDirectory } from "../support/directory.ts";
import { file, startOrigin } from "../support/origin.ts";
import { projectPath, run, startSluice } from "../support/sluice.ts";
import { commandOf, withFlags } from "../support/permissions.ts";

/** Deno would note the parser in the project's own lock file. */
const LOCK = ["--lock=tests/deno.lock"];

/** Writes a file of this text, which its owner alone may read. */
async function write(directory: string, text: string): Promise<string> {
  const path = join(directory, "sluice.toml");
  await Deno.writeTextFile(path, text, { mode: 0o600 });
  return path;
}

async function read(text: string) {
  await using directory = await makeDirectory();
  const path = await write(directory.path, text);
  const file = await readConfigFile(path, "sluice.toml", FILE_RULES);
  return readRules(file.tables("rules"), FILE_RULES.settings, ["a"]);
}

Deno.test("a table is a rule", async () => {
  assertEquals(
    await read(`
      [[rules]]
      host = ["Example.org", "*.bücher.test"]
      extension = [".ISO", "tar.gz"]
      directory = "{host}/{year}"
      headers = { Authorization = "Bearer 1" }
      threads = 4
      limit_rate = "2M"
      proxy = "direct"

      [[rules]]
      media_type = "Video/*"
      min_size = "1GiB"
      max_size = 2_000_000_000
      directory = "films"
    `),
    [{
      hosts: ["example.org", "*.xn--bcher-kva.test"],
      extensions: ["iso", "tar.gz"],
      mediaTypes: [],
      minSize: null,
      maxSize: null,
      directory: "{host}/{year}",
      headers: { authorization: "Bearer 1" },
      threads: 4,
      limitRate: 2 * 2 ** 20,
      proxy: "direct",
    }, {
      hosts: [],
      extensions: [],
      mediaTypes: ["video/*"],
      minSize: 2 ** 30,
      maxSize: 2_000_000_000,
      directory: "films",
      headers: {},
      threads: null,
      limitRate: null,
      proxy: null,
    }],
  );
});

for (
  const [text, said] of [
    ["hots = 'a'", '2: there is no "hots" here: did you mean host?'],
    ["PORT = 1", "2: settings such as PORT stand before the first table."],
    ["host = 'https://a.test/'", "2: host must be a host, such as"],
    ["host = 'a.test:80'", "2: host must be a host"],
    ["host = '*'", "2: host must be a host"],
    ["host = []", "2: host must be a host"],
    ["host = 'a'\nextension = 'a/b'", "3: extension must be an extension"],
    ["media_type = 'video'", "2: media_type must be a media type"],
    ["min_size = 'big'", "2: min_size must be bytes, such as"],
    ["limit_rate = 1", "2: limit_rate must be bytes from 1000, such as"],
    ["threads = 0", "2: threads must be a whole number from 1 to 1000."],
    ["threads = '4'", "2: threads must be a whole number"],
    ["directory = '/srv'", "2: directory must be below the content directory"],
    ["directory = '{hots}'", "2: directory may not hold {hots}; known are"],
    ["proxy = 'b'", "2: proxy must be one of a, direct."],
    ["directory = 5", "2: directory must be a path, such as"],
    ["headers = 5", "2: headers must be"],
    ["host = 'a'\nheaders = { Range = 'secret' }", "3: headers: the header"],
    [
      'host = "a"\nheaders = { X = "secret\\nsecret" }',
      '3: headers: "X" with this',
    ],
    [
      "headers = { X-Key = 'secret' }",
      "2: x-key would go to any host that somebody names: give the rule a host.",
    ],
    [
      "max_size = 5\nthreads = 2",
      "3: threads cannot depend on media_type, min_size or max_size",
    ],
  ] as const
) {
  Deno.test(`a rule is refused that says ${text.replace("\n", ", ")}`, async () => {
    const { message } = await assertRejects(
      () => read(`[[rules]]\n${text}`),
      UsageError,
    );
    const start = `sluice.toml:${said}`;
    assertEquals(message.slice(0, start.length), start);
    assertNotMatch(message, /secret/);
  });
}

Deno.test("a server and get go by the rules of a file", async () => {
  await using origin = await startOrigin();
  const url = origin.serve("/a.bin", file(1000));
  await using directory = await makeDirectory();
  const path = await write(
    directory.path,
    `
      [[rules]]
      host = "127.0.0.1"
      directory = "from/{host}/{extension}"
      headers = { X-Key = "key-of-the-rule" }
    `,
  );
  const environment = { CONFIG_FILE: path };
  const keys = () => origin.requests.map(({ headers }) => headers.get("x-key"));
  {
    await using sluice = await startSluice({
      directory: directory.path,
      environment,
      deno: LOCK,
    });
    await using client = await sluice.connect();
    const status = await client.end(await client.add({ url }));
    assertEquals(status.directory, "from/127.0.0.1/bin");
    assertEquals(new Set(keys()), new Set(["key-of-the-rule"]));
    assertNotMatch(JSON.stringify(status), /key-of-the-rule/);
    assertNotMatch(sluice.output(), /key-of-the-rule/);
  }
  const before = origin.requests.length;
  const { words } = commandOf("get");
  const command = withFlags(words, [
    `--allow-read=${projectPath("lib")},${directory.path}`,
    `--allow-write=${directory.path}`,
  ]).filter((word) => !word.startsWith("--content-directory"));
  const { code, stdout, stderr } = await run(
    ["run", ...LOCK, ...command.slice(1), url],
    { ...environment, CONTENT_DIRECTORY: directory.path },
  );
  assertEquals([code, stdout], [0, `${directory.path}/a.bin\n`], stderr);
  assertEquals(new Set(keys().slice(before)), new Set(["key-of-the-rule"]));
});
