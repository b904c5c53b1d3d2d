/**
 * What a process costs: seconds, CPU seconds, memory. Linux only.
 *
 * Deno lets nobody read /proc without all permissions, and tells no child's
 * CPU time: bash does both.
 */

import { collect } from "../support/sluice.ts";

/** What a run has cost. */
export interface Cost {
  /** From the start to the end. */
  readonly seconds: number;
  /** CPU seconds, of all threads and children. */
  readonly cpu: number;
  /** Bytes resident at most, of all children together. */
  readonly memory: number;
}

/** A program took so long that it was ended. */
export class TookTooLong extends Error {
  constructor(readonly seconds: number) {
    super(`It took longer than ${seconds} s`);
  }
}

// The sampler is not waited for before `times`, which thus does not count it.
// With `set -m`, the program and its children are a group of their own.
const RUN = `
set -m
longest=$1; shift
"$@" >/dev/null & pid=$!
start=$EPOCHREALTIME
add_peaks() {
  local key value children
  while read -r key value _; do
    [ "$key" = VmHWM: ] && sum=$((sum + value))
  done </proc/$1/status
  read -ra children </proc/$1/task/$1/children
  for child in "\${children[@]}"; do add_peaks "$child"; done
}
{
  peak=0
  latest=$((\${start%.*} + longest))
  while [ -d /proc/$pid ]; do
    sum=0
    add_peaks $pid 2>/dev/null
    [ "$sum" -gt "$peak" ] && peak=$sum
    [ "$EPOCHSECONDS" -gt "$latest" ] && echo late && kill -9 -- -$pid
    read -rt 0.02 <> <(:)
  done
  echo "peak $peak"
} & sampler=$!
wait $pid; code=$?
echo "end $start $EPOCHREALTIME"
times
wait $sampler
exit $code
`;

/**
 * Runs a program to its end.
 *
 * @param longest How long it may take, in seconds.
 * @throws {TookTooLong} if it takes longer.
 * @throws {Error} if it fails, with the end of what it said.
 */
export async function measureCommand(
  command: readonly string[],
  { longest = 3600, ...options }: {
    longest?: number;
    cwd?: string;
    env?: Record<string, string>;
  } = {},
): Promise<Cost> {
  const child = new Deno.Command("bash", {
    args: ["-c", RUN, "bash", String(longest), ...command],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    ...options,
  }).spawn();
  const output = collect(child);
  const { code } = await child.status;
  await output.ended;
  const text = output.text();
  if (/^late$/m.test(text)) throw new TookTooLong(longest);
  const end = text.match(/^end (\S+) (\S+)$/m);
  const peak = text.match(/^peak (\d+)$/m);
  if (code !== 0 || !end || !peak) {
    throw new Error(`${command[0]} ended with ${code}: ${text.slice(-500)}`);
  }
  // The shell's own times come in the first line, its children's in the second.
  const times = text.match(/^\d+m[\d.]+s \d+m[\d.]+s$/gm)?.[1] ?? "";
  const cpu = times.matchAll(/(\d+)m([\d.]+)s/g)
    .reduce((sum, [, minutes, seconds]) => {
      return sum + Number(minutes) * 60 + Number(seconds);
    }, 0);
  return {
    seconds: Number(end[2]) - Number(end[1]),
    cpu,
    memory: Number(peak[1]) * 1024,
  };
}

/** What a running process has cost up to now. */
export interface Usage {
  /** CPU seconds of all its threads. */
  readonly cpu: number;
  /** CPU seconds of its main thread. */
  readonly mainCpu: number;
  /** Bytes resident now. */
  readonly resident: number;
  /** Bytes resident at most, since `resetPeak`. */
  readonly peak: number;
}

/** Looks at a running process. */
export async function usageOf(pid: number): Promise<Usage> {
  const text = await bash(
    "cat /proc/$1/stat /proc/$1/task/$1/stat /proc/$1/status; getconf CLK_TCK",
    pid,
  );
  const [all = "", main = "", ...rest] = text.trim().split("\n");
  const ticks = Number(rest.at(-1));
  const kibibytes = (key: string) =>
    Number(text.match(new RegExp(`^${key}:\\s+(\\d+) kB$`, "m"))?.[1]) * 1024;
  return {
    cpu: ticksIn(all) / ticks,
    mainCpu: ticksIn(main) / ticks,
    resident: kibibytes("VmRSS"),
    peak: kibibytes("VmHWM"),
  };
}

/** User and system time in a line of /proc/pid/stat; see proc(5). */
function ticksIn(stat: string): number {
  // The program's name, in brackets, may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

/** Has a process's peak counted anew from here. */
export async function resetPeak(pid: number): Promise<void> {
  await bash("echo 5 > /proc/$1/clear_refs", pid);
}

/** Measures what a running process spends on an action. */
export async function measureAction(
  pid: number,
  action: () => Promise<void>,
): Promise<Cost> {
  await resetPeak(pid);
  const before = await usageOf(pid);
  const start = performance.now();
  await action();
  const seconds = (performance.now() - start) / 1000;
  const after = await usageOf(pid);
  return { seconds, cpu: after.cpu - before.cpu, memory: after.peak };
}

async function bash(script: string, pid: number): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command("bash", {
    args: ["-c", script, "bash", String(pid)],
  }).output();
  const [out, err] = [stdout, stderr].map((b) => new TextDecoder().decode(b));
  if (code !== 0) throw new Error(`Cannot look at process ${pid}: ${err}`);
  return out ?? "";
}
