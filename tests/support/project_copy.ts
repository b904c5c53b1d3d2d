/** A copy of the project, as people fetch it. */

import { join } from "@std/path";
import { projectPath } from "./sluice.ts";

/** Copies the project, but for its tests, into a directory that is there. */
export async function copyProject(to: string): Promise<void> {
  const { stdout } = await new Deno.Command("git", {
    args: ["ls-files", "--cached", "--others", "--exclude-standard"],
    cwd: projectPath("."),
  }).output();
  const paths = new TextDecoder().decode(stdout).split("\n").filter(Boolean);
  for (const path of paths) {
    if (path.startsWith("tests/")) continue;
    await Deno.mkdir(join(to, path, ".."), { recursive: true });
    await Deno.copyFile(projectPath(path), join(to, path));
  }
}
