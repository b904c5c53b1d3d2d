/**
 * The paths of finished files as they are recorded: from the content directory,
 * which may be moved with all that is in it.
 */

import { join } from "@std/path/join";
import { resolve } from "@std/path/resolve";
import type { State } from "../download/download.ts";

/** Translates states for a state file, and back. */
export interface FinishedPaths {
  /** A state as it is recorded. */
  recorded(state: State): State;
  /** A recorded state as it is now, with an absolute path. */
  now(state: State): State;
}

/** @param statePath The path of the state, `.sluice/state.db` in the directory. */
export function createFinishedPaths(statePath: string): FinishedPaths {
  const directory = resolve(statePath, "..", "..");
  /** The content directory with a separator at its end. */
  const prefix = join(directory, "x").slice(0, -1);
  return {
    recorded(state) {
      if (state.kind !== "Downloaded" || !state.path.startsWith(prefix)) {
        return state;
      }
      return { ...state, path: state.path.slice(prefix.length) };
    },
    now(state) {
      if (state.kind !== "Downloaded") return state;
      // Old records without an identity keep the whole path that they had.
      return { ...state, path: resolve(directory, state.path) };
    },
  };
}
