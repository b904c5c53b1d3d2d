/**
 * The project as another user runs it: one that may write nothing but a content
 * directory, without a home, and without what only tests need.
 */

import { join } from "@std/path";
import { makeDirectory } from "./directory.ts";
import { printed } from "./health.ts";
import { copyProject } from "./project_copy.ts";
import { collect, projectPath } from "./sluice.ts";

/** Such a place. */
export interface Place extends AsyncDisposable {
  /** The project's copy. */
  readonly project: string;
  /** Where Deno keeps the one package that the program needs; read-only. */
  readonly denoDir: string;
  /** The user's content directory: a link to it, as systemd makes. */
  readonly content: string;
  /** Starts `deno` there, with nothing in its environment but `env`. */
  start(
    words: readonly string[],
    env: Readonly<Record<string, string>>,
  ): Deno.ChildProcess;
}

/** Makes a place, for `nobody` if the tests are root's. */
export async function makePlace(): Promise<Place> {
  const isRoot = (await printed("id", "-u")).trim() === "0";
  const directory = await makeDirectory();
  const [project, denoDir, content] = ["project", "deno", "content"]
    .map((name) => join(directory.path, name)) as [string, string, string];
  await copyProject(project);
  // What is committed: tests that are run by hand add to the one that is there.
  const lock = await printed(
    "git",
    "-C",
    projectPath("."),
    "show",
    ":deno.lock",
  );
  await Deno.writeTextFile(join(project, "deno.lock"), lock);
  await copyPackage(denoDir);
  const made = join(directory.path, "private");
  await Deno.mkdir(made);
  await Deno.symlink(made, content);
  let deno = Deno.execPath();
  if (isRoot) {
    // The tests' own may lie where only root may go.
    await Deno.copyFile(deno, join(directory.path, "deno-binary"));
    deno = join(directory.path, "deno-binary");
    await printed("chown", "nobody", made);
  }
  await printed("chmod", "-R", "a+rX,go-w", directory.path);
  await printed("chmod", "-R", "a-w", denoDir, project);
  return {
    project,
    denoDir,
    content,
    start(words, env) {
      const nobody = ["--reuid=nobody", "--regid=nogroup", "--clear-groups"];
      const [command = "", ...args] = isRoot
        ? ["setpriv", ...nobody, deno, ...words]
        : [deno, ...words];
      return new Deno.Command(command, {
        args,
        cwd: project,
        clearEnv: true,
        env: { PATH: Deno.env.get("PATH") ?? "", ...env },
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
    },
    async [Symbol.asyncDispose]() {
      await printed("chmod", "-R", "u+w", directory.path);
      await directory[Symbol.asyncDispose]();
    },
  };
}

/** Copies the program's one package from where Deno keeps the tests' packages. */
async function copyPackage(denoDir: string): Promise<void> {
  const { npmCache } = JSON.parse(
    await printed(Deno.execPath(), "info", "--json"),
  ) as { npmCache: string };
  const path = "registry.npmjs.org/deno-std";
  const to = join(denoDir, "npm", path);
  await Deno.mkdir(join(to, ".."), { recursive: true });
  await printed("cp", "-r", join(npmCache, path), to);
}

/** Waits for a server's first lines, or for its end, and stops it. */
export async function tryServer(
  child: Deno.ChildProcess,
  use: (url: string) => Promise<void>,
): Promise<void> {
  const output = collect(child);
  try {
    const [, url = ""] = await output.match(/listens on (ws:\S+)/);
    await use(url);
  } finally {
    try {
      child.kill("SIGTERM");
    } catch {
      // It has ended already.
    }
    await child.status;
    await output.ended;
  }
}
