import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { nearest } from "../../lib/cli/nearest.ts";
import { makeDirectory } from "../support/directory.ts";
import { start } from "../support/process.ts";
import { projectPath, startSluice, taskArguments } from "../support/sluice.ts";
import { commandLine, openTerminal, tmuxMissing } from "../support/terminal.ts";

/** What each shell reads at its start, by its file's name, and how it starts. */
const SHELLS = {
  bash: {
    name: "bashrc",
    lines: ["PS1='$ '", "source ./completions"],
    command: "bash --noprofile --rcfile bashrc -i",
  },
  zsh: {
    name: ".zshrc",
    lines: [
      "PS1='$ '",
      "autoload -Uz compinit",
      "compinit -u -D",
      "source ./completions",
    ],
    command: "ZDOTDIR=$PWD zsh -i",
  },
  fish: {
    name: "config.fish",
    lines: [
      "function fish_prompt; echo -n '$ '; end",
      "function fish_right_prompt; end",
      "set -g fish_autosuggestion_enabled 0",
      "source ./completions",
    ],
    command: "HOME=$PWD fish --no-config -i -C 'source ./config.fish'",
  },
} as const;
type Shell = keyof typeof SHELLS;

function isInstalled(shell: string): Promise<boolean> {
  return new Deno.Command(shell, { args: ["--version"] }).output()
    .then(() => true, () => false);
}

for (const shell of Object.keys(SHELLS) as Shell[]) {
  const missing = tmuxMissing || !await isInstalled(shell);
  if (missing) {
    if (Deno.env.get("CI") === "true") throw new Error(`CI needs ${shell}`);
    console.warn(`${shell} is not installed: its completion is not tested`);
  }

  Deno.test(`${shell} completes commands, flags, values, files and ids`, {
    ignore: missing,
  }, async () => {
    await using directory = await makeDirectory();
    await using sluice = await startSluice();
    await using client = await sluice.connect();
    const id = await client.add({ url: "http://127.0.0.1:1/a.iso" });
    await client.request({ action: "pause", id });
    await using pane = await openShell(shell, directory.path);
    const cases = [
      ["sluice comp", "completions"],
      ["sluice completions f", "fish"],
      ["sluice remove --del", "--delete-file"],
      ["sluice --broadc", "--broadcast-timeout"],
      ["sluice list --status Fai", "Failed"],
      ["sluice list --status=Que", "--status=Queued"],
      ["sluice serve --log-format js", "json"],
      ["sluice get --ca-file " + directory.path + "/cert", "certificate.pem"],
      ["sluice get -i " + directory.path + "/cert", "certificate.pem"],
      ["sluice get --content-directory " + directory.path + "/fol", "folder/"],
      [
        `sluice resume --server ${sluice.url} ${id.slice(0, 2)}`,
        id.slice(0, 8),
      ],
    ] as const;
    for (const [typed, completed] of cases) {
      await pane.type("-l", typed);
      await pane.type("Tab");
      await pane.shows(new RegExp(`^\\$ sluice .*${completed}=? *$`, "m"));
      await pane.type("C-u");
      await pane.shows(/^\$$/m);
    }
    // A download that is paused cannot be paused.
    await pane.type(
      "-l",
      `sluice pause --server ${sluice.url} ${id.slice(0, 2)}`,
    );
    await pane.type("Tab");
    await pane.type("-l", "+");
    await pane.shows(new RegExp(` ${id.slice(0, 2)}\\+$`, "m"));
  });
}

/** A shell that knows `sluice` and its completions, in a terminal. */
async function openShell(shell: Shell, directory: string) {
  const { name, lines, command } = SHELLS[shell];
  const { stdout } = await start(["run", "main.ts", "completions", shell])
    .ended;
  await Deno.writeTextFile(join(directory, "completions"), stdout);
  await Deno.writeTextFile(join(directory, name), lines.join("\n") + "\n");
  await Deno.writeTextFile(join(directory, "certificate.pem"), "");
  await Deno.mkdir(join(directory, "folder"));
  const words = taskArguments("list", "").slice(0, -1);
  const program = join(directory, "sluice");
  await Deno.writeTextFile(
    program,
    `#!/bin/sh\ncd ${projectPath(".")} && exec ${commandLine(words)} "$@"\n`,
  );
  await Deno.chmod(program, 0o755);
  const pane = await openTerminal(
    `cd ${directory}; PATH="$PWD:$PATH"; ${command}`,
    150,
  );
  await pane.shows(/^\$$/m);
  return pane;
}

Deno.test("a script knows every command and flag", async () => {
  for (const shell of Object.keys(SHELLS)) {
    const { stdout } = await start(["run", "main.ts", "completions", shell])
      .ended;
    for (const word of ["get", "watch", "delete-file", "threads-amount"]) {
      assert(stdout.includes(word), `${shell}: ${word}`);
    }
  }
});

Deno.test("the nearest word is one that may be meant", () => {
  const words = ["--threads-amount", "--token", "--json", "--header"];
  assertEquals(nearest("--htreads", words), "--threads-amount");
  assertEquals(nearest("--tokne", words), "--token");
  assertEquals(nearest("--JSON", words), "--json");
  assertEquals(nearest("--xyzzy", words), null);
});
