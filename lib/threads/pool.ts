/**
 * Spreads threads and file tasks over Web Workers, and replaces the workers that
 * fail; if so wished, the process itself carries all while it can.
 */

import { every } from "../base/timers.ts";
import type { FoundChecksum } from "../download/checksum.ts";
import { DownloadError, fromRecord } from "../download/errors.ts";
import { createConnections } from "./connections.ts";
import { startLocalMember } from "./local_member.ts";
import type { Member } from "./member.ts";
import type {
  DigestTask,
  FileReport,
  FileTask,
  LookTask,
  Published,
  PublishTask,
  RemoveTask,
  SliceTask,
  ThreadEvent,
  WorkerSettings,
} from "./messages.ts";
import { type CpuTime, onceSaturated } from "./saturation.ts";
import { createSharedTurns } from "./turns.ts";
import { MOST_PINGS, startWorker, type WorkerMember } from "./worker_member.ts";

/** How long a worker may take to start, on a busy machine, in milliseconds. */
const START_WITHIN = 30_000;

/**
 * Settings of a pool. A worker that is silent for `stallTimeout` counts as
 * hung.
 */
export interface PoolOptions extends Omit<WorkerSettings, "turns"> {
  /** How many workers there are at most. */
  readonly workers: number;
  /** The one directory that workers may read and write. */
  readonly directory: string;
  /**
   * `prepared`: all workers are there before the first thread. `immediate`: the
   * process itself carries threads, with all that it may do, until it is
   * saturated: two workers take 0.2 s of CPU to start, and a quarter more for
   * each byte.
   */
  readonly begin: "prepared" | "immediate";
  /** How long a worker may take to start, in milliseconds; 30 s by default. */
  readonly startWithin?: number;
  /** The CPU time of the thread that makes the pool; the system's by default. */
  readonly cpuTime?: CpuTime;
}

/**
 * Where a thread may run: wherever there is the least to do, or, as its host
 * bears few connections, where the host's others run. Those that lie idle
 * elsewhere are closed then: the origin counts them.
 */
export type Place = "anywhere" | "together";

/**
 * Threads and file tasks, spread over workers. A file task rejects with its own
 * error, or with WORKER if the worker that had it is gone.
 */
export interface Pool
  extends Pick<Member, "bound" | "grant" | "limit" | "stop"> {
  /** Starts a thread; its events follow, `ended` being the last. */
  fetch(task: SliceTask, place: Place): void;
  /** Reads ranges of a file; the digest of each. */
  digest(task: DigestTask): Promise<readonly string[]>;
  /** Looks for a file's checksum elsewhere; null if there is none. */
  look(task: LookTask): Promise<FoundChecksum | null>;
  /** Gives finished part files their names; what has come of each. */
  publish(task: PublishTask): Promise<readonly Published[]>;
  /** Removes part files. */
  remove(task: RemoveTask): Promise<void>;
  /** Ends all workers at once. Threads still running get no `ended`. */
  close(): void;
}

/**
 * Makes a pool.
 *
 * @param code The module that workers run.
 * @param onEvent Hears all that threads report. A worker that throws, ends
 * itself or hangs is replaced, and its threads are reported as failed.
 */
export function createPool(
  options: PoolOptions,
  onEvent: (event: ThreadEvent) => void,
  code = new URL("./worker.ts", import.meta.url),
): Pool {
  const members = createMembers(options, onEvent, code);

  async function perform<Type extends FileReport["type"]>(
    task: FileTask,
    wanted: Type,
  ): Promise<FileReport & { readonly type: Type }> {
    const report = await members.forTask(task).perform(task);
    if (isOf(report, wanted)) return report;
    if (report.type === "failed") throw fromRecord(report.error);
    throw new DownloadError("WORKER", "A worker mistook one task for another.");
  }

  return {
    fetch: (task, place) => members.forThread(task, place).fetch(task),
    bound: (thread, end) => members.carrying(thread)?.bound(thread, end),
    grant: (thread, bytes) => members.carrying(thread)?.grant(thread, bytes),
    limit: (thread) => members.carrying(thread)?.limit(thread),
    stop: (thread) => members.carrying(thread)?.stop(thread),
    async digest(task) {
      return (await perform({ type: "digest", task }, "digested")).digests;
    },
    async look(task) {
      return (await perform({ type: "look", task }, "looked")).found;
    },
    async publish(task) {
      return (await perform({ type: "publish", task }, "published")).published;
    },
    async remove(task) {
      await perform({ type: "remove", task }, "removed");
    },
    close: () => members[Symbol.dispose](),
  };
}

function isOf<Type extends FileReport["type"]>(
  report: FileReport,
  type: Type,
): report is FileReport & { readonly type: Type } {
  return report.type === type;
}

/** What workers are to know, and nothing else of what the pool's options hold. */
function settingsOf(
  options: Omit<WorkerSettings, "turns">,
  turns: WorkerSettings["turns"],
): WorkerSettings {
  const { caCerts, clientCertificate, allowPrivate, proxies } = options;
  const { connectTimeout, answerTimeout, stallTimeout, writeUntil } = options;
  return {
    ...{ caCerts, clientCertificate, allowPrivate, proxies },
    ...{ connectTimeout, answerTimeout, stallTimeout, writeUntil },
    turns,
  };
}

/** The members of a pool; disposing of them ends all of them at once. */
interface Members extends Disposable {
  /** The member that is to carry a thread. */
  forThread(task: SliceTask, place: Place): Member;
  /** The member that is to do a file task. */
  forTask(task: FileTask): Member;
  /** The member that carries a thread; undefined once the thread has ended. */
  carrying(thread: number): Member | undefined;
}

function createMembers(
  { workers: most, directory, begin, ...shared }: PoolOptions,
  onEvent: (event: ThreadEvent) => void,
  code: URL,
): Members {
  const { startWithin = START_WITHIN, cpuTime } = shared;
  const settings = settingsOf(shared, createSharedTurns());
  const workers = new Set<WorkerMember>();
  const connections = createConnections<Member>();
  const local = begin === "immediate" ? startLocalMember(settings, hear) : null;

  function hear(event: ThreadEvent): void {
    connections.hear(event);
    onEvent(event);
  }

  function start(): WorkerMember {
    const worker = startWorker({ code, directory, settings, startWithin }, {
      onEvent: hear,
      onDismissed: (worker) => workers.delete(worker),
    });
    workers.add(worker);
    return worker;
  }

  function startAll(): void {
    while (workers.size < most) start();
  }

  /**
   * The worker with the least to do; a new one while there may be more.
   *
   * @param isBetter Whether one of two that have as much to do is the better.
   */
  function leastBusy(isBetter = (_: WorkerMember) => false): WorkerMember {
    const [least] = [...workers].sort((a, b) =>
      a.load() - b.load() || Number(isBetter(b)) - Number(isBetter(a))
    );
    const full = workers.size >= most;
    return least && (full || least.load() === 0) ? least : start();
  }

  function workerFor(task: SliceTask, place: Place): WorkerMember {
    const isServed = (one: WorkerMember) => connections.isServed(one, task);
    if (place === "anywhere") return leastBusy(isServed);
    const worker = home(task) ?? leastBusy(isServed);
    for (const one of connections.takeIdle(task, worker)) one.trim();
    return worker;
  }

  /** The worker that most threads at a task's host run on, or ran on last. */
  function home(task: SliceTask): WorkerMember | undefined {
    const runs = (one: WorkerMember) => connections.running(one, task);
    const [most] = [...workers].sort((a, b) => runs(b) - runs(a));
    if (most !== undefined && runs(most) > 0) return most;
    return workers.values().find((one) => connections.isServed(one, task));
  }

  /** The process itself, for as long as it carries new threads alone. */
  let alone = local;
  const watching = alone && onceSaturated(() => {
    alone = null;
    startAll();
  }, cpuTime);
  const checking = every(settings.stallTimeout / MOST_PINGS, () => {
    for (const worker of workers) worker.check();
  });
  // No download is to wait for its worker. And Deno panics where one is started
  // while no more files can be opened: a server has all before it has clients.
  if (local === null) startAll();

  return {
    forThread(task, place) {
      const member = alone ?? workerFor(task, place);
      connections.carries(member, task);
      return member;
    },
    forTask({ type }) {
      // To read a file again takes long, and holds up the process meanwhile.
      return type === "digest" || alone === null ? leastBusy() : alone;
    },
    carrying(thread) {
      if (local?.threads.has(thread)) return local;
      return workers.values().find(({ threads }) => threads.has(thread));
    },
    [Symbol.dispose]() {
      checking[Symbol.dispose]();
      watching?.[Symbol.dispose]();
      for (const worker of workers) worker[Symbol.dispose]();
      workers.clear();
      local?.[Symbol.dispose]();
    },
  };
}
