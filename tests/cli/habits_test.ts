import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { settingsOf } from "../../config.ts";
import { readArguments } from "../../lib/cli/arguments.ts";
import { createCommands, settingFlag } from "../../lib/cli/commands.ts";
import { renderCommandHelp } from "../../lib/cli/help.ts";
import { UsageError } from "../../lib/cli/usage.ts";

const [serve = [], get = []] = (["serve", "get"] as const).map((program) =>
  settingsOf(program).map(({ flag: name, ...usage }) =>
    settingFlag({ name, ...usage })
  )
);
const COMMANDS = createCommands({ serve, get });

/** What Sluice reads, as words; a flag that is not given is left out. */
function read(words: string): Record<string, unknown> {
  const args = words.split(" ");
  const { flags, operands } = readArguments(args, COMMANDS);
  const given = Object.entries(flags).filter(([, value]) =>
    value !== false && !(Array.isArray(value) && value.length === 0)
  );
  return { ...Object.fromEntries(given), operands };
}

const URL = "https://a.example/x";

for (
  const [typed, flags] of [
    // curl
    ["-LO", {}],
    ["-fsSLO", { quiet: true }],
    ["-L -C - -O", {}],
    ["-L -o x -s", { output: "x", quiet: true }],
    ["-R --retry 3", { "remote-time": "true", "attempts": "3" }],
    ["-g --output-dir y", { "no-glob": true, "content-directory": "y" }],
    ["--cacert ca.pem", { "ca-file": "ca.pem" }],
    ["--user-agent=me", { header: ["User-Agent: me"] }],
    // aria2c
    ["-x16 -s16 -c", { "threads-amount": "16" }],
    ["-x 8 -s 4", { "threads-amount": "4" }],
    ["--max-connection-per-server=8", { "threads-amount": "8" }],
    ["-j 5", { "max-downloads": "5" }],
    ["--max-download-limit=1M", { "limit-rate": "1M" }],
    ["--continue=true -d y", { "content-directory": "y" }],
    ["--dir=y --out=x", { "content-directory": "y", "output": "x" }],
    // wget
    ["-c -P y", { "content-directory": "y" }],
    ["-N -q", { timestamping: true, quiet: true }],
    ["-nc -t 3", { "skip-existing": true, "attempts": "3" }],
    // axel
    ["-n 4 -q", { "threads-amount": "4", "quiet": true }],
  ] as const
) {
  Deno.test(`${typed}, from another tool, is understood`, () => {
    const expected: Record<string, unknown> = { ...flags, operands: [URL] };
    assertEquals(read(`get ${typed} ${URL}`), expected);
  });
}

for (
  const [words, line] of [
    ["get -O name https://x/", /^-O: a name is -o NAME/],
    ["get -qO- https://x/", /^-O: Sluice writes files/],
    ["get -L- https://x/", /^-L takes no value/],
    ["get -d a=b x/", /^-d: Sluice sends no data/],
    ["get -x http://proxy x/", /^-x: proxies are named by http_proxy/],
    ["get -k x/", /^-k: .*--ca-file/],
    ["get -k 1M x/", /^-k: .*--bytes-amount/],
    ["get --continue=false x/", /^--continue takes no value/],
    ["get -C 100 x/", /^-C: Sluice goes on where it was/],
    ["get -nd x/", /^There is no flag -nd\./],
    ["get -output x", /^There is no flag -output: did you mean --output\?/],
    ["get -s=x x/", /^There is no flag -s|takes no value/],
    ["add -t 3 x/", /^-t is --attempts, which sluice add does not have/],
    ["list -c", /^There is no flag -c\./],
  ] as const
) {
  Deno.test(`${words} is told what it is here`, () => {
    const { message } = assertThrows(() => read(words), UsageError);
    assertMatch(message, line);
  });
}

Deno.test("the threads of another tool are, for add, those of each download", () => {
  assertEquals(read(`add -x16 ${URL}`), { threads: "16", operands: [URL] });
});

for (
  const typed of ["-P y", "-Py", "-d y", "--dir=y", "--directory-prefix y"]
) {
  Deno.test(`${typed} is, for add, below the server's own directory`, () => {
    const expected = { directory: "y", operands: [URL] };
    assertEquals(read(`add ${typed} ${URL}`), expected);
  });
}

Deno.test("the help names what is understood", () => {
  const command = COMMANDS.find(({ name }) => name === "get");
  assertMatch(
    command ? renderCommandHelp(command) : "",
    /\n {2}-d, -P, .* …: --content-directory\n/,
  );
});
