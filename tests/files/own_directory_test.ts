import { assert, assertEquals, assertMatch } from "@std/assert";
import { makeDirectory } from "../support/directory.ts";
import { printed } from "../support/health.ts";
import { file, startOrigin } from "../support/origin.ts";
import { startGet } from "../support/process.ts";
import {
  collect,
  connect,
  projectPath,
  startSluice,
  taskArguments,
} from "../support/sluice.ts";

/** The modes below a directory, of which the caller names the paths. */
function modesOf(directory: string, paths: readonly string[]) {
  return Object.fromEntries(paths.map((path) => {
    const { mode } = Deno.statSync(`${directory}/${path}`);
    return [path, ((mode ?? 0) & 0o777).toString(8)];
  }));
}

const STATE = [
  ".sluice",
  ".sluice/lock",
  ".sluice/state.db",
  ".sluice/state.db-wal",
  ".sluice/state.db-shm",
];

const PRIVATE = {
  ".sluice": "700",
  ".sluice/lock": "600",
  ".sluice/state.db": "600",
  ".sluice/state.db-wal": "600",
  ".sluice/state.db-shm": "600",
};

Deno.test("a server's state is its owner's alone, and files are the user's", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const { path } = directory;
  await Deno.chmod(path, 0o755);
  const url = origin.serve("/a", file(1000));
  {
    await using sluice = await startSluice({ directory: path });
    await using client = await sluice.connect();
    await client.end(await client.add({ url }));
    assertEquals(modesOf(path, STATE), PRIVATE);
    await Deno.writeTextFile(`${path}/mine`, "");
    const { a, mine } = modesOf(path, ["a", "mine"]);
    assertEquals(a, mine);
    assertEquals(modesOf(path, ["."]), { ".": "755" });
    assert(!sluice.output().includes("others may read"), sluice.output());
    sluice.kill("SIGKILL");
    await sluice.ended;
  }
  // What an earlier version left, which was killed.
  for (const name of STATE) {
    await Deno.chmod(`${path}/${name}`, name === ".sluice" ? 0o777 : 0o666);
  }
  await using sluice = await startSluice({ directory: path });
  await using client = await sluice.connect();
  await client.end(await client.add({ url }));
  assertEquals(modesOf(path, STATE), PRIVATE);
});

Deno.test("what get leaves is its owner's alone", async () => {
  await using origin = await startOrigin();
  await using directory = await makeDirectory();
  const { path } = directory;
  await Deno.mkdir(`${path}/.sluice`, { mode: 0o755 });
  const url = origin.serve("/a", file(8_000_000), { rate: 100_000 });
  await using get = startGet(path, ["--bytes-amount", "256KiB", url]);
  const record = await recordIn(`${path}/.sluice/get`);
  get.kill("SIGKILL");
  await get.ended;
  const lock = record.replace(/json$/, "lock");
  assertEquals(
    modesOf(`${path}/.sluice`, [".", "get", `get/${record}`, `get/${lock}`]),
    {
      ".": "700",
      get: "700",
      [`get/${record}`]: "600",
      [`get/${lock}`]: "600",
    },
  );
});

/** The name of the first record in a directory, once there is one. */
async function recordIn(directory: string): Promise<string> {
  for (;;) {
    const names = await namesIn(directory);
    const record = names.find((name) => name.endsWith(".json"));
    if (record !== undefined) return record;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(directory));
    return entries.map(({ name }) => name);
  } catch {
    return [];
  }
}

/** Root owns what it likes, and changes all modes; only the second can be taken. */
const WITHOUT_CHMOD = ["--inh-caps=-fowner", "--bounding-set=-fowner"];

Deno.test({
  name:
    "where others may read its state, one line says so, and a server serves",
  ignore: (await printed("id", "-u")).trim() !== "0",
  async fn() {
    await using directory = await makeDirectory();
    const own = `${directory.path}/.sluice`;
    await Deno.mkdir(own);
    await printed("chown", "nobody", own);
    await Deno.chmod(own, 0o755);
    const child = new Deno.Command("setpriv", {
      args: [
        ...[...WITHOUT_CHMOD, Deno.execPath()],
        ...taskArguments("start", directory.path),
      ],
      cwd: projectPath("."),
      env: { CONTENT_DIRECTORY: directory.path, PORT: "0" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const output = collect(child);
    const [, url = ""] = await output.match(/listens on (ws:\S+)/);
    await using client = await connect(url);
    child.kill("SIGTERM");
    await client.closed;
    await child.status;
    await output.ended;
    const lines = output.text().split("\n")
      .filter((line) => line.includes("others may read"));
    assertEquals(lines.length, 1, output.text());
    assertMatch(lines[0] ?? "", new RegExp(`path="${own}" message="It holds`));
  },
});
