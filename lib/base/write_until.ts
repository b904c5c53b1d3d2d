/**
 * Until when this process may write to files that others may come to own. The
 * memory that says so is shared with its workers, which look before each write.
 */

/**
 * Two times in milliseconds, by the steady clock and by the time of day. A
 * machine's sleep stops the one on some systems, and the other may be set.
 */
export type WriteUntil = Float64Array<SharedArrayBuffer>;

/** What stops a write that comes too late: the thread is held, and did not fail. */
export const HELD = new Error("The time to write is over.");

/** Makes one that is over. */
export function createWriteUntil(): WriteUntil {
  return new Float64Array(new SharedArrayBuffer(16));
}

/** Now, by both clocks. Workers have the steady one in common with the process. */
export function clocks(): readonly [steady: number, day: number] {
  return [performance.timeOrigin + performance.now(), Date.now()];
}

/** Sets until when may be written: `length` milliseconds from a moment on. */
export function allowWrites(
  until: WriteUntil,
  [steady, day]: ReturnType<typeof clocks>,
  length: number,
): void {
  until[0] = steady + length;
  until[1] = day + length;
}

/** Whether it is allowed to write now; always where there is nothing to say. */
export function mayWrite(until: WriteUntil | undefined): boolean {
  if (until === undefined) return true;
  const [steady, day] = clocks();
  return steady < (until[0] ?? 0) && day < (until[1] ?? 0);
}

/** For how much longer may be written, in milliseconds; 0 if it is over. */
export function timeToWrite(until: WriteUntil): number {
  const [steady, day] = clocks();
  return Math.max(0, Math.min((until[0] ?? 0) - steady, (until[1] ?? 0) - day));
}

/** @throws {HELD} if it is not allowed to write now. */
export function refuseLateWrites(until: WriteUntil | undefined): void {
  if (!mayWrite(until)) throw HELD;
}
