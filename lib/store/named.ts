/** Files that have their names, of downloads that are not recorded as finished. */

import type { FileFacts } from "../download/download.ts";
import type { Named } from "../files/naming.ts";
import type { Settled } from "./catalogue.ts";

/** How a download is settled whose file was found to have its name. */
export function finishedAs(
  { name, path, size, identity }: Named,
  file: FileFacts | null,
): Settled {
  return {
    state: { kind: "Downloaded", path, identity },
    file: { size, ranges: null, validator: null, ...file, name },
    downloaded: size,
    finishedAt: Date.now(),
  };
}
