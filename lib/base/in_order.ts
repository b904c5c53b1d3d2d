/** Work on one thing at a time, on different things side by side. */

/** Has work done one after another, for each key. */
export interface InOrder {
  /**
   * Does `work` once all that was asked for before, for the same key, is over.
   *
   * @throws what `work` throws.
   */
  run<Result>(key: string, work: () => Promise<Result>): Promise<Result>;
  /** Whether anything for a key is being done. */
  has(key: string): boolean;
  /** Resolves once all that has been asked for until now is over. */
  settled(): Promise<unknown>;
  /** The same, of one key. */
  settledFor(key: string): Promise<unknown>;
}

/** Makes one with nothing to do. */
export function createInOrder(): InOrder {
  const last = new Map<string, Promise<unknown>>();
  return {
    async run(key, work) {
      const before = last.get(key);
      const mine = (async () => {
        await before?.catch(() => {});
        return await work();
      })();
      last.set(key, mine);
      try {
        return await mine;
      } finally {
        if (last.get(key) === mine) last.delete(key);
      }
    },
    has: (key) => last.has(key),
    settled: () => Promise.allSettled(last.values()),
    settledFor: (key) => Promise.allSettled([last.get(key)]),
  };
}
