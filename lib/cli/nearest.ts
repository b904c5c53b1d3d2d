/** The word that a mistyped one was meant to be. Pure. */

/** The word that is fewest edits away, if few enough to be meant. */
export function nearest(
  typed: string,
  words: readonly string[],
): string | null {
  const most = Math.max(1, Math.ceil(typed.length / 3));
  const small = typed.toLowerCase();
  let best: { word: string; edits: number } | null = null;
  for (const word of words) {
    // Of a long word, only the beginning may have been typed.
    const edits = Math.min(
      editsBetween(small, word),
      editsBetween(small, word.slice(0, small.length)) + 1,
    );
    if (edits <= most && edits < (best?.edits ?? Infinity)) {
      best = { word, edits };
    }
  }
  return best?.word ?? null;
}

/** The edit distance, where swapping two neighbours is one edit. */
export function editsBetween(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      next.push(Math.min(
        (row[j] ?? 0) + 1,
        (next[j - 1] ?? 0) + 1,
        (row[j - 1] ?? 0) + cost,
        swapped ? (before[j - 2] ?? 0) + 1 : Infinity,
      ));
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}
