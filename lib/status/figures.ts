/** What operators count. */

import type { ErrorCode } from "../download/errors.ts";
import type { Tell } from "../download/events.ts";

/** What has been done since the program's start. */
export interface Figures {
  /** Bytes that threads have written. */
  readonly bytes: number;
  /** Failed attempts, by their code. */
  readonly failures: ReadonlyMap<ErrorCode, number>;
}

/** Counts what it hears. */
export function createFigures(): { figures: Figures; hear: Tell } {
  const failures = new Map<ErrorCode, number>();
  const figures = { bytes: 0, failures };
  return {
    figures,
    hear(event) {
      if (event.kind === "wrote") figures.bytes += event.bytes;
      if (event.kind !== "setback") return;
      const { code } = event.error;
      failures.set(code, (failures.get(code) ?? 0) + 1);
    },
  };
}
