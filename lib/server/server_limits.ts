/** What limits all downloads together, as clients set it. */

import type { Coordinator } from "../coordinator.ts";
import type { LimitsStatus } from "../status/schema.ts";
import type { LimitsRequest } from "./protocol.ts";

/** Sets limits until the server stops; tells which hold then. */
export function setLimits(
  coordinator: Coordinator,
  { rates, maxDownloads }: LimitsRequest,
): LimitsStatus {
  if (Object.keys(rates).length > 0) {
    coordinator.limitRates({ ...coordinator.rates(), ...rates });
  }
  if (maxDownloads !== undefined) coordinator.limitDownloads(maxDownloads);
  return coordinator.limits();
}
