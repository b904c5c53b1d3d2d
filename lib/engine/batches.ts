/** Work that costs less when much of it is done together. */

/** How work is done in groups. */
export interface GroupOptions {
  /** How many items a group has at most. */
  readonly most: number;
  /** How many groups are worked on at a time. */
  readonly atOnce: number;
}

/**
 * Has items worked on in groups. An item never waits for others to come: what
 * is asked for while all groups are being worked on forms the next one.
 *
 * @param work Gives the result of each item, in their order.
 * @returns Has one item worked on; rejects if its group does.
 */
export function inGroups<Item, Result>(
  { most, atOnce }: GroupOptions,
  work: (items: readonly Item[]) => Promise<readonly Result[]>,
): (item: Item) => Promise<Result> {
  const waiting: {
    readonly item: Item;
    readonly resolve: (result: Result) => void;
    readonly reject: (error: unknown) => void;
  }[] = [];
  let working = 0;

  async function workThrough(): Promise<void> {
    while (waiting.length > 0) {
      const group = waiting.splice(0, most);
      try {
        const results = await work(group.map(({ item }) => item));
        for (const result of results) group.shift()?.resolve(result);
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    working--;
  }

  return (item) => {
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    waiting.push({ item, resolve, reject });
    if (working < atOnce) {
      working++;
      // After this turn: what is asked for in it goes together.
      queueMicrotask(workThrough);
    }
    return promise;
  };
}
