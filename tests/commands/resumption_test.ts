import { assertEquals } from "@std/assert";
import { createResumption } from "../../lib/commands/resumption.ts";
import { createDownload, type Download } from "../../lib/download/download.ts";
import { DownloadError, type ErrorCode } from "../../lib/download/errors.ts";
import type { DownloadEvent } from "../../lib/download/events.ts";
import { parseDownload } from "../../lib/download/request.ts";

/** A paused download that needs `bytes` more. */
function lacking(id: string, bytes: number): Download {
  const request = parseDownload({ url: `http://a.example/${id}` }, {
    urlLength: 1_000,
  });
  const facts = { ranges: true, validator: null, name: id };
  return { ...createDownload(request, 0, id), file: { size: bytes, ...facts } };
}

/** What resumes of some downloads, some of which fail. */
function startResumption(
  { room = [], due = [], busy = [], failing = {}, clock = () => 0 }: {
    room?: readonly Download[] | (() => readonly Download[]);
    due?: string[];
    busy?: readonly string[];
    failing?: Readonly<Record<string, ErrorCode>>;
    clock?: () => number;
  },
) {
  const resumed: string[] = [];
  const told: DownloadEvent[] = [];
  const resumption = createResumption({
    catalogue: {
      waitingForRoom: () => [...typeof room === "function" ? room() : room],
      due: () => due.filter((id) => !resumed.includes(id)),
    },
    commands: {
      isBusy: (id) => busy.includes(id),
      command(id) {
        const code = failing[id];
        if (code !== undefined) {
          return Promise.reject(new DownloadError(code, "for the test"));
        }
        resumed.push(id);
        return Promise.resolve();
      },
    },
    tell: (event) => void told.push(event),
    timeOfDay: () => 0,
    clock,
  });
  return { resumption, resumed, told };
}

Deno.test("room is used by those that fit beside each other, and are not busy", () => {
  const room = [lacking("a", 60), lacking("b", 50), lacking("c", 40)];
  const { resumption, resumed } = startResumption({ room, busy: ["d"] });
  resumption.useRoom(100);
  assertEquals(resumed, ["a", "c"]);
  const other = startResumption({ room, busy: ["a"] });
  other.resumption.useRoom(100);
  assertEquals(other.resumed, ["b", "c"]);
});

Deno.test("what lacks room again, whatever the disk says, is resumed later each time", () => {
  let now = 0;
  let downloaded = 0;
  const { resumption, resumed } = startResumption({
    room: () => [{ ...lacking("a", 60), downloaded }],
    clock: () => now,
  });
  /** The seconds within a span of them at which it is resumed. */
  function resumedWithin(span: number): number[] {
    const seconds = [];
    for (const end = now + span * 1000; now < end; now += 1000) {
      const before = resumed.length;
      resumption.useRoom(100);
      if (resumed.length > before) seconds.push(now / 1000);
    }
    return seconds;
  }
  assertEquals(resumedWithin(250), [0, 2, 6, 14, 30, 62, 122, 182, 242]);
  downloaded = 1;
  assertEquals(resumedWithin(55), [302, 304]);
});

Deno.test("what is due starts, and what cannot is told, unless it is gone", async () => {
  const { resumption, resumed, told } = startResumption({
    due: ["a", "gone", "b", "busy", "broken"],
    busy: ["busy"],
    failing: { gone: "UNKNOWN_ID", broken: "STATE" },
  });
  await resumption.startDue();
  assertEquals(resumed, ["a", "b"]);
  const ids = told.map((event) => event.kind === "stuck" && event.id);
  assertEquals(new Set(ids), new Set(["broken"]));
});
