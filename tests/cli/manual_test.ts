import { assert, assertEquals } from "@std/assert";
import { start } from "../support/process.ts";
import { taskArguments } from "../support/sluice.ts";

/** What the program prints. */
async function printed(...args: string[]): Promise<string> {
  const words = taskArguments("list", "").slice(0, -1);
  const { code, stdout, stderr } = await start([...words, ...args]).ended;
  assertEquals([code, stderr], [0, ""]);
  return stdout;
}

/** The output of a formatter of manual pages; null if it is not installed. */
async function formatted(
  command: string,
  args: readonly string[],
  page: string,
): Promise<string | null> {
  const path = await Deno.makeTempFile({ suffix: ".1" });
  try {
    await Deno.writeTextFile(path, page);
    const { stdout, stderr } = await new Deno.Command(command, {
      args: [...args, path],
      env: { LC_ALL: "C.UTF-8" },
    }).output();
    const [out, err] = [stdout, stderr].map((b) => new TextDecoder().decode(b));
    return `${out}${err}`;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    if (Deno.env.get("CI") === "true") throw new Error(`CI needs ${command}`);
    console.warn(`${command} is not installed: the page is not read`);
    return null;
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("the manual page has no fault that mandoc finds", async () => {
  const found = await formatted("mandoc", ["-Tlint"], await printed("man"));
  assertEquals(found ?? "", "");
});

Deno.test("the manual page tells all that --help does", async () => {
  const page = await formatted("mandoc", ["-Tutf8"], await printed("man"));
  if (page === null) return;
  // A bold or underlined character is printed twice.
  const text = page.replaceAll(/.[\b]/gu, "").replaceAll(/\s+/g, " ");
  const help = await printed("--help");
  const names = [...help.matchAll(/^ {2}([a-z]+) {2,}/gm)]
    .map(([, name = ""]) => name);
  assert(names.includes("get") && names.includes("man"), names.join());
  for (const name of names) {
    const lines = (await printed(name, "--help")).split("\n");
    const [, usage = ""] = lines.find((line) => line.startsWith("Usage:"))
      ?.split("Usage: ") ?? [];
    assert(text.includes(usage), usage);
    for (const line of lines) {
      const [, flag = "", meaning = ""] = line.match(/^ +(-.+?) {2,}(.*)$/) ??
        [];
      const said = `${meaning.slice(0, 1).toUpperCase()}${meaning.slice(1)}.`;
      const isHabit = /^ {2}-.*: (--|done)/.test(line);
      if (isHabit) assert(text.includes(line.trim()), line);
      else if (flag !== "") assert(text.includes(`${flag} ${said}`), line);
    }
  }
});
