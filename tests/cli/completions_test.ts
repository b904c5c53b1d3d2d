import { assert, assertEquals } from "@std/assert";
import { nearest } from "../../lib/cli/nearest.ts";
import { start } from "../support/process.ts";

async function script(shell: string): Promise<string> {
  const { stdout } = await start(["run", "main.ts", "completions", shell])
    .ended;
  return stdout;
}

/** What bash would offer for a command line that ends with `words`. */
async function complete(...words: string[]): Promise<string[]> {
  const probe = `${await script("bash")}
COMP_WORDS=(sluice ${words.map((word) => `'${word}'`).join(" ")})
COMP_CWORD=${words.length}
_sluice
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, success } = await new Deno.Command("bash", {
    args: ["--norc", "-c", probe],
  }).output();
  assert(success);
  return new TextDecoder().decode(stdout).trim().split("\n");
}

Deno.test("bash completes commands and flags", async () => {
  assertEquals(await complete("re"), [
    "resume",
    "retry",
    "refresh",
    "remove",
  ]);
  assertEquals(await complete("get", "--thr"), [
    "--threads-amount",
    "--threads-per-host",
  ]);
  assertEquals(await complete("remove", "--d"), ["--delete-file"]);
  assertEquals(await complete("completions", "f"), ["fish"]);
});

Deno.test("zsh and fish have scripts with every flag", async () => {
  for (const shell of ["zsh", "fish"]) {
    const text = await script(shell);
    for (const word of ["get", "watch", "delete-file", "threads-amount"]) {
      assert(text.includes(word), `${shell}: ${word}`);
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
