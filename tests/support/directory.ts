/** Directories of a test's own, and what is in one. */

/** A directory that goes with the test: disposing of it removes all of it. */
export interface Directory extends AsyncDisposable {
  readonly path: string;
  /** The names of all that is in it, sorted. */
  names(): string[];
}

/** Makes a directory below the system's own for temporary files. */
export async function makeDirectory(): Promise<Directory> {
  const path = await Deno.makeTempDir({ prefix: "sluice-" });
  return {
    path,
    names: () => namesIn(path),
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

/** The names in a content directory but for Sluice's own, sorted. */
export function filesIn(directory: string): string[] {
  return namesIn(directory).filter((name) => name !== ".sluice");
}

/** The names of the parts in a content directory, sorted. */
export function partsIn(directory: string): string[] {
  return namesIn(`${directory}/.sluice/parts`);
}

/** ... and in one of servers that share a queue. */
export function clusterPartsIn(directory: string): string[] {
  return namesIn(`${directory}/.sluice/cluster/parts`);
}

function namesIn(directory: string): string[] {
  return [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
}
