import { assertEquals } from "@std/assert";
import { heard, type News, NOTHING } from "../../lib/client/view.ts";
import { createDownload, type State } from "../../lib/download/download.ts";
import { statusOf } from "../../lib/status/status.ts";

const ENDED: State = { kind: "Downloaded", path: "/downloads/a" };

function status(id: string, state: State) {
  const url = `https://example.org/${id}`;
  const rest = { filename: null, headers: {}, checksum: null, threads: null };
  return statusOf({ ...createDownload({ url, ...rest }, 0, id), state });
}

Deno.test("a view keeps what goes on, and the latest of what has ended", () => {
  const nothing = { removed: [], totals: null, disk: null, isSnapshot: false };
  const tell = (changed: News["changed"]): News => ({ ...nothing, changed });
  let view = heard(NOTHING, tell([status("waits", { kind: "Queued" })]));
  for (let n = 0; n < 3_000; n += 100) {
    const some = Array.from(
      { length: 100 },
      (_, i) => status(`${n + i}`, ENDED),
    );
    view = heard(view, tell(some));
  }
  const [first, second, ...others] = [...view.downloads.keys()];
  assertEquals([first, second, others.length], ["waits", "2000", 999]);
});
