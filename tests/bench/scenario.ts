/** What a scenario is. */

import type { RaceOptions } from "./race.ts";
import type { Result } from "./report.ts";

/** How a scenario is run. */
export interface ScenarioOptions extends RaceOptions {
  /** What sizes and numbers are multiplied with, to be quick. */
  readonly sizeFactor: number;
}

/** Something to be measured. */
export interface Scenario {
  readonly name: string;
  /** What is measured, in one line. */
  readonly what: string;
  run(options: ScenarioOptions): Promise<Result>;
}
