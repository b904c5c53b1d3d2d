/** What a person sees in a terminal, and types. */

/** Whether tmux, by which all of this is done, is not installed. */
export const tmuxMissing = !await tmux("none", ["-V"]).then(
  () => true,
  () => false,
);
if (tmuxMissing) {
  if (Deno.env.get("CI") === "true") throw new Error("CI needs tmux");
  console.warn("tmux is not installed: what a person sees is not tested");
}

async function tmux(socket: string, args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("tmux", {
    args: ["-L", socket, "-f", "/dev/null", ...args],
    env: { LC_ALL: "C.UTF-8" },
  }).output();
  const [out, err] = [stdout, stderr].map((b) => new TextDecoder().decode(b));
  if (!success) throw new Error(err);
  return out ?? "";
}

/** A command for a shell: `deno` with these arguments. */
export function commandLine(args: readonly string[]): string {
  return [Deno.execPath(), ...args]
    .map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
}

/** A terminal of 80 × 10 in which `deno` runs with these arguments. */
export function openPane(args: readonly string[], columns = 80) {
  const command = `${commandLine(args)}; echo "exit $?"; sleep 60`;
  return openTerminal(command, columns);
}

/** A terminal of 10 lines in which a command of the shell runs. */
export async function openTerminal(command: string, columns: number) {
  const socket = `sluice-${crypto.randomUUID()}`;
  await tmux(socket, [
    ...["new-session", "-d", "-x", String(columns), "-y", "10"],
    command,
  ]);
  return {
    resize: (columns: number) =>
      tmux(socket, ["resize-window", "-x", String(columns)]),
    type: (...keys: string[]) => tmux(socket, ["send-keys", ...keys]),
    /** Whether the terminal shows its second screen, and its cursor. */
    mode: () =>
      tmux(socket, ["display", "-p", "#{alternate_on} #{cursor_flag}"])
        .then((text) => text.trim()),
    /** What stands there once it matches; fails after 20 s. */
    async shows(pattern: RegExp): Promise<string> {
      for (let n = 0; n < 400; n++) {
        const all = await tmux(socket, ["capture-pane", "-p"]);
        const text = all.trimEnd();
        if (pattern.test(text)) return text;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      throw new Error(await tmux(socket, ["capture-pane", "-p"]));
    },
    [Symbol.asyncDispose]: () =>
      tmux(socket, ["kill-server"]).then(() => {}, () => {}),
  };
}

/** A shell that knows jobs, with a prompt of `$ `. */
export const SHELL = "PS1='$ ' exec bash --norc --noprofile -i";
