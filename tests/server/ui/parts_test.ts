import { assertEquals } from "@std/assert";
import {
  actionsFor,
  actionsForMany,
  toggleFor,
} from "../../../lib/server/ui/actions.js";
import { commandMany } from "../../../lib/server/ui/bulk.js";
import {
  pathsOf,
  scaleOf,
  spanOf,
  withSample,
} from "../../../lib/server/ui/chart.js";
import { waitAfter } from "../../../lib/server/ui/connection.js";
import { commandFor } from "../../../lib/server/ui/keys.js";
import { segmentsOf } from "../../../lib/server/ui/strip.js";
import { status } from "./statuses.ts";

Deno.test("slices become segments; where a thread is, is no progress", () => {
  const base = { size: 10_000, downloaded: 2_000 };
  assertEquals(
    segmentsOf({
      ...base,
      slices: [[0, 1_000], [5_000, 6_000]],
      fetching: [[6_000, 8_000], [9_999, 10_000]],
    }),
    [
      { kind: "done", start: 0, width: 100 },
      { kind: "done", start: 500, width: 100 },
      { kind: "thread", at: 600 },
      { kind: "thread", at: 999.9 },
    ],
  );
  // Of a paused download, only the amount is known.
  assertEquals(segmentsOf({ ...base, slices: [], fetching: [] }), [
    { kind: "done", start: 0, width: 200 },
  ]);
  assertEquals(
    segmentsOf({ ...base, size: null, slices: [], fetching: [] }),
    [],
  );
  assertEquals(segmentsOf({ ...base, size: 0, slices: [], fetching: [] }), []);
});

Deno.test("a chart keeps what it shows, and a scale above all of it", () => {
  let samples = withSample([], { at: 0, speed: 1 });
  for (let at = 1_000; at <= 300_000; at += 1_000) {
    samples = withSample(samples, { at, speed: at });
  }
  assertEquals(samples[0]?.at, 180_000);
  assertEquals(samples.length, 121);
  assertEquals(spanOf(samples, 300_000), 120_000);
  assertEquals(spanOf([{ at: 0, speed: 1 }], 1_000), 15_000);
  assertEquals(scaleOf([]), 1024);
  assertEquals(scaleOf([{ at: 0, speed: 3 * 2 ** 20 }]), 5 * 2 ** 20);
  assertEquals(scaleOf([{ at: 0, speed: 1000 * 2 ** 20 }]), 2 ** 30);
  const frame = { now: 15_000, width: 100, height: 10 };
  assertEquals(
    pathsOf([{ at: 0, speed: 0 }, { at: 15_000, speed: 512 }], frame),
    {
      line: "M0.0 10.0L100.0 5.0",
      area: "M0.0 10.0L100.0 5.0L100.0 10L0.0 10Z",
    },
  );
  assertEquals(pathsOf([], frame), { line: "", area: "" });
});

Deno.test("each state has what makes sense in it", () => {
  const names = (more: Parameters<typeof status>[0]) =>
    actionsFor(status(more)).map(({ name }) => name).join(" ");
  assertEquals(names({ process_status: "Queued" }), "pause source remove");
  assertEquals(
    names({ process_status: "Paused" }),
    "resume refresh source remove",
  );
  assertEquals(
    names({ process_status: "Failed" }),
    "retry refresh source remove",
  );
  assertEquals(
    names({
      process_status: "Failed",
      error: { code: "EXPIRED", message: "" },
    }),
    "refresh retry source remove",
  );
  const film = { process_status: "Downloading", filename: "a.mp4" } as const;
  assertEquals(names(film), "pause source remove");
  assertEquals(
    names({ ...film, order: "sequential" }),
    "pause open source remove",
  );
  const done = { process_status: "Downloaded" } as const;
  assertEquals(
    names({ ...done, path_to_file: "file:///d/a.zip" }),
    "save copy source remove",
  );
  assertEquals(
    names({ ...done, path_to_file: "file:///d/a.png" }),
    "open save copy source remove",
  );
  assertEquals(toggleFor(status({ process_status: "Failed" })), "retry");
  assertEquals(toggleFor(status(done)), null);
  const many = actionsForMany(["Queued", "Downloaded", "Failed"], false);
  assertEquals(
    many.map(({ name }) => name).join(" "),
    "pause retry source remove",
  );
  const named = (states: Parameters<typeof actionsForMany>[0]) =>
    actionsForMany(states, true).map(({ name }) => name).join(" ");
  assertEquals(named(["Paused"]), "resume top bottom source remove");
  assertEquals(named(["Downloaded", "Failed"]), "retry source remove");
});

Deno.test("keys are left to whoever needs them", () => {
  const key = (key: string, more = {}) => ({
    key,
    ctrlKey: false,
    metaKey: false,
    altKey: false,
    shiftKey: false,
    code: "",
    isComposing: false,
    ...more,
  });
  assertEquals(commandFor(key("j"), "page"), "next");
  assertEquals(commandFor(key("J"), "page"), "next");
  assertEquals(commandFor(key("?"), "button"), "help");
  assertEquals(commandFor(key("j"), "field"), null);
  assertEquals(commandFor(key("Escape"), "field"), "close");
  assertEquals(commandFor(key("c", { ctrlKey: true }), "page"), null);
  assertEquals(commandFor(key(" "), "page"), "toggle");
  assertEquals(commandFor(key(" "), "button"), null);
  assertEquals(commandFor(key("Enter"), "button"), null);
  assertEquals(commandFor(key("F5"), "page"), null);
  assertEquals(commandFor(key("a", { ctrlKey: true }), "page"), "all");
  assertEquals(commandFor(key("a", { metaKey: true }), "page"), "all");
  assertEquals(commandFor(key("a", { ctrlKey: true }), "field"), null);
  assertEquals(commandFor(key(" ", { shiftKey: true }), "page"), "select");
  assertEquals(commandFor(key("J", { shiftKey: true }), "page"), "next");
  const alt = { altKey: true };
  assertEquals(commandFor(key("ArrowUp", alt), "page"), "up");
  assertEquals(commandFor(key("End", alt), "button"), "bottom");
  assertEquals(commandFor(key("ArrowUp", alt), "field"), null);
  assertEquals(commandFor(key("ArrowLeft", alt), "page"), null);
  assertEquals(commandFor(key("a", alt), "page"), null);
});

Deno.test("keys of other scripts mean the Latin letters that they have too", () => {
  const key = (key: string, code: string, ctrlKey = false) =>
    commandFor({
      key,
      code,
      ctrlKey,
      metaKey: false,
      altKey: false,
      shiftKey: false,
      isComposing: false,
    }, "page");
  assertEquals(key("о", "KeyJ"), "next");
  assertEquals(key("Ф", "KeyA", true), "all");
  assertEquals(key("ξ", "KeyJ"), "next");
  assertEquals(key("ж", "Semicolon"), null);
  // Dvorak and AZERTY have Latin letters, elsewhere.
  assertEquals(key("h", "KeyJ"), null);
  assertEquals(key("a", "KeyQ"), "add");
});

Deno.test("attempts to connect get rarer, up to a bound", () => {
  assertEquals([1, 2, 3].map((n) => waitAfter(n, 1)), [500, 1000, 2000]);
  assertEquals(waitAfter(1, 0), 250);
  assertEquals(waitAfter(100, 1), 15_000);
});

Deno.test("a command for many goes in messages that a server takes", async () => {
  const asked: number[] = [];
  function answer(message: object) {
    const { ids = [], all = false } = message as {
      ids?: readonly string[];
      all?: boolean;
    };
    if (all) return { data: { message: "", done: 7, left: 0, refused: [] } };
    asked.push(ids.length);
    const refused = ids.filter((id) => id === "id 7" || id === "id 8")
      .map((id) => ({
        id,
        code: id === "id 7" ? "WRONG_STATE" as const : "DISK" as const,
        message: `No ${id}.`,
      }));
    const { length: left } = refused;
    return { data: { message: "", done: ids.length - left, left, refused } };
  }
  const server = { request: (asked: object) => Promise.try(answer, asked) };
  const ids = Array.from({ length: 2_500 }, (_, n) => `id ${n}`);
  const outcome = await commandMany(server, { action: "retry" }, { ids });
  assertEquals(asked, [1_000, 1_000, 500]);
  assertEquals([outcome.done, outcome.left], [2_498, 2]);
  assertEquals(outcome.fault?.message, "No id 8.");
  const which = { status: ["Failed"], search: "x", except: [] };
  assertEquals(await commandMany(server, { action: "retry" }, which), {
    done: 7,
    left: 0,
    fault: null,
  });
});
