import { assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import * as fc from "../support/fast_check.ts";
import { join } from "@std/path";
import {
  credentialsIn,
  parseNetrc,
  withNetrcInUrls,
} from "../../lib/cli/netrc.ts";
import { makeDirectory } from "../support/directory.ts";
import {
  file,
  forever,
  type Origin,
  redirect,
  startOrigin,
} from "../support/origin.ts";
import { commandOf, grantsOf, withFlags } from "../support/permissions.ts";
import { type Ran, start } from "../support/process.ts";
import { taskArguments } from "../support/sluice.ts";

const NETRC = `# mine
machine a.test login me password "se cret\\"s"
machine B.test
	login you
	account ignored
	password #2
macdef init
	machine evil.test login x password y

machine a.test login second password ignored
machine nameless.test password p
machine open.test login only
default login anonymous password a@b
`;

for (
  const [url, username, password] of [
    ["https://a.test/x", "me", 'se cret"s'],
    ["https://A.test:8443/x", "me", 'se cret"s'],
    ["http://b.test/", "you", "#2"],
    ["http://open.test/", "only", ""],
    ["http://evil.test/", "anonymous", "a@b"],
    ["http://sub.a.test/", "anonymous", "a@b"],
    ["http://nameless.test/", "anonymous", "a@b"],
  ] as const
) {
  Deno.test(`a .netrc has ${username} for ${url}`, () => {
    const found = credentialsIn(parseNetrc(NETRC) ?? [], url);
    assertEquals(found, { username, password });
  });
}

Deno.test("an entry of another host, or of none, is for no URL", () => {
  const entries = parseNetrc("machine a.test login me password p") ?? [];
  assertEquals(credentialsIn(entries, "http://a.test.evil.test/"), null);
  assertEquals(credentialsIn(entries, "http://evil.test/a.test"), null);
  assertEquals(parseNetrc(""), []);
  const six = parseNetrc("machine ::1 login me") ?? [];
  assertEquals(credentialsIn(six, "http://[::1]/")?.username, "me");
});

Deno.test("what is no .netrc is not read as one", () => {
  for (
    const text of ["login me", "machine", "machine a login", "machine a b c"]
  ) assertEquals(parseNetrc(text), null, text);
});

Deno.test("any name and password in quotes are read back", () => {
  const word = fc.string({ unit: "binary" });
  fc.assert(fc.property(word, word, (username, password) => {
    const [name, secret] = [username, password].map((text) =>
      text.replace(/["\\]/g, "\\$&").replace(/\n/g, "\\n").replace(/\r/g, "\\r")
    );
    const text = `machine h login "${name}" password "${secret}"`;
    const entries = [{ host: "h", username, password }];
    assertEquals(parseNetrc(text), entries);
  }));
});

/** A `get` with a HOME of its own, and with what the flags of Deno grant. */
async function getWith(
  home: string,
  args: readonly string[],
  flags: readonly string[] = allowed(home),
): Promise<Ran> {
  const words = withFlags(taskArguments("get", home), flags);
  return await start([...words, ...args], { env: homeAt(home) }).ended;
}

/** An environment with this HOME, from which Deno's own cache does not move. */
function homeAt(path: string): Record<string, string> {
  const { DENO_DIR, HOME = "" } = Deno.env.toObject();
  return { HOME: path, DENO_DIR: DENO_DIR ?? join(HOME, ".cache", "deno") };
}

/** What a `get` is granted, and HOME and what is in it. */
function allowed(home: string): string[] {
  const { env, read } = grantsOf("get");
  if (env === true || read === true) throw new Error("all is granted");
  return [
    `--allow-env=${[...env ?? [], "HOME"].join()}`,
    `--allow-read=${[...read ?? [], home].join()}`,
  ];
}

/** Serves a file to whom has the password, asking for it. */
function serveTo(origin: Origin, path: string, password: string): string {
  return origin.serve(
    path,
    file(1000),
    ({ headers }) =>
      headers.get("authorization") === `Basic ${btoa(`me:${password}`)}`
        ? {}
        : { status: 401, headers: { "WWW-Authenticate": 'Basic realm="r"' } },
  );
}

async function writeNetrc(home: string, mode = 0o600): Promise<string> {
  const path = join(home, ".netrc");
  const text = "machine 127.0.0.1 login me password s3cret\n";
  await Deno.writeTextFile(path, text, { mode });
  return path;
}

Deno.test("--netrc shows a host its own name and password, and nobody else", async () => {
  await using origin = await startOrigin();
  await using home = await makeDirectory();
  await writeNetrc(home.path);
  const own = serveTo(origin, "/own", "s3cret");
  const elsewhere = origin.serve("/b", file(1000))
    .replace("127.0.0.1", "localhost");
  const away = origin.serve("/away", null, redirect(elsewhere));
  const urls = [own, away, elsewhere];
  const { code, stdout, stderr } = await getWith(home.path, [
    "--netrc",
    "--json",
    ...urls,
  ]);
  assertEquals(code, 0, stderr);
  assertNotMatch(stdout + stderr, /s3cret/);
  for (const { path, headers } of origin.requests) {
    if (path === "/b") assertEquals(headers.get("authorization"), null);
  }
  assertEquals(home.names(), [".netrc", "b", "b (1)", "own"]);
});

Deno.test("--netrc shows a mirror what its own host has, and nothing else", async () => {
  await using origin = await startOrigin();
  await using home = await makeDirectory();
  const path = join(home.path, ".netrc");
  const machine = (host: string, password: string) =>
    `machine ${host} login me password ${password}\n`;
  const url = serveTo(origin, "/gone", "nobody's");
  const mirror = serveTo(origin, "/b", "theirs")
    .replace("127.0.0.1", "localhost");
  const flags = ["--netrc", "--mirror", mirror, url];
  const shown = (since: number) =>
    origin.requests.slice(since).flatMap(({ path, headers }) => {
      const given = headers.get("authorization");
      return given ? [`${path} ${atob(given.replace("Basic ", ""))}`] : [];
    });
  const trials: readonly [entries: string, code: number, shown: string[]][] = [
    [machine("127.0.0.1", "s3cret"), 1, ["/gone me:s3cret"]],
    [
      machine("127.0.0.1", "s3cret") + machine("localhost", "theirs"),
      0,
      ["/gone me:s3cret", "/b me:theirs"],
    ],
  ];
  for (const [entries, code, expected] of trials) {
    const before = origin.requests.length;
    await Deno.writeTextFile(path, entries, { mode: 0o600 });
    const ran = await getWith(home.path, flags);
    assertEquals(ran.code, code, ran.stderr);
    assertEquals([...new Set(shown(before))], expected);
    assertNotMatch(ran.stdout + ran.stderr, /s3cret|theirs/);
  }
});

Deno.test("what is added has the names of its URL's and its mirrors' hosts", async () => {
  await using home = await makeDirectory();
  const path = join(home.path, ".netrc");
  await Deno.writeTextFile(path, NETRC.replace(/default.*/, ""), {
    mode: 0o600,
  });
  const asked = {
    url: "https://a.test/x",
    mirrors: [
      "http://B.test/x",
      "https://none.test/x",
      "https://own:p@b.test/x",
      "https://a.test/y",
    ],
  };
  const mine = "me:se%20cret%22s@";
  assertEquals(await withNetrcInUrls([asked], path), [{
    url: `https://${mine}a.test/x`,
    mirrors: [
      "http://you:%232@B.test/x",
      "https://none.test/x",
      "https://own:p@b.test/x",
      `https://${mine}a.test/y`,
    ],
  }]);
  const headers = { authorization: "Bearer t" };
  const [given] = await withNetrcInUrls([{ ...asked, headers }], path);
  assertEquals([given?.url, given?.mirrors], [asked.url, [
    "http://you:%232@B.test/x",
    ...asked.mirrors.slice(1),
  ]]);
});

Deno.test("a URL's own name and password come before those of --netrc-file", async () => {
  await using origin = await startOrigin();
  await using home = await makeDirectory();
  const path = await writeNetrc(home.path);
  const url = serveTo(origin, "/a", "other").replace("//", "//me:other@");
  const args = ["--netrc-file", path, url];
  const { code, stderr } = await getWith(home.path, args);
  assertEquals(code, 0, stderr);
});

Deno.test("a part's record holds nothing of a .netrc", async () => {
  await using origin = await startOrigin();
  await using home = await makeDirectory();
  await writeNetrc(home.path);
  const url = origin.serve(
    "/a",
    file(2_000_000),
    ({ range }) => {
      const at = range?.start === 0 ? 500_000 : 0;
      return { gates: { [at]: forever } };
    },
  );
  const flags = allowed(home.path);
  const words = withFlags(taskArguments("get", home.path), flags);
  await using get = start([...words, "--netrc", url], {
    env: homeAt(home.path),
  });
  const directory = join(home.path, ".sluice", "get");
  const record = await recordIn(directory);
  assertNotMatch(await Deno.readTextFile(record), /s3cret|login|"me"/);
  get.kill("SIGKILL");
});

/** The path of the first record in a directory, once there is one. */
async function recordIn(directory: string): Promise<string> {
  for (;;) {
    try {
      for (const { name } of Deno.readDirSync(directory)) {
        if (name.endsWith(".json")) return join(directory, name);
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

Deno.test("a .netrc that others may read, that is none, or that is not there is refused", async () => {
  await using home = await makeDirectory();
  const args = ["--netrc", "http://127.0.0.1:1/"];
  const missing = await getWith(home.path, args);
  assertEquals(missing.code, 2);
  assertMatch(missing.stderr, /^sluice: \S+\/\.netrc cannot be read: /);
  const path = await writeNetrc(home.path);
  await Deno.chmod(path, 0o640);
  const open = await getWith(home.path, args);
  assertEquals(open.code, 2);
  assertMatch(
    open.stderr,
    /^sluice: Others may read .*: chmod 600 \S+, or, .*\n$/,
  );
  await Deno.writeTextFile(path, "password s3cret");
  await Deno.chmod(path, 0o600);
  const wrong = await getWith(home.path, args);
  assertEquals(wrong.code, 2);
  assertMatch(wrong.stderr, /^sluice: \S+ cannot be read as a \.netrc file/);
  assertNotMatch(wrong.stderr, /s3cret/);
});

Deno.test("without --netrc get may not read HOME, and with it a refusal names the flags", async () => {
  await using home = await makeDirectory();
  const args = ["--netrc", "http://127.0.0.1:1/"];
  const first = await getWith(home.path, args, []);
  assertEquals(first.code, 2);
  const env = first.stderr.match(/--allow-env=\S+/)?.[0] ?? "";
  assertMatch(env, /=CONFIG_FILE,.*,HOME,/);
  const elsewhere = { env: homeAt("/nowhere") };
  const words = withFlags(taskArguments("get", home.path), [env]);
  const second = await start([...words, ...args], elsewhere).ended;
  assertEquals(second.code, 2);
  assertMatch(second.stderr, /--allow-read=\S+,\/nowhere\/\.netrc\n$/);
  assertEquals(commandOf("get").words.includes("HOME"), false);
});
