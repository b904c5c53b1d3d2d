import { assertEquals } from "@std/assert";
import { projectPath } from "../support/sluice.ts";

/** More bytes than any pipe holds. */
const MANY = 2 ** 23;

Deno.test({
  name: "an output that another process made non-blocking loses nothing",
  async fn() {
    const program = 'import { writeOutSync } from "./lib/base/write_all.ts"; ' +
      `writeOutSync(Deno.stdout, new Uint8Array(${MANY}));`;
    // dd leaves its standard output, which is the program's, as it was told.
    const script = "dd if=/dev/null oflag=nonblock status=none; " +
      'exec "$0" eval --lock=tests/deno.lock "$1"';
    const { success, stdout, stderr } = await new Deno.Command("bash", {
      args: ["-c", script, Deno.execPath(), program],
      cwd: projectPath("."),
    }).output();
    assertEquals(success, true, new TextDecoder().decode(stderr));
    assertEquals(stdout.length, MANY);
  },
});
