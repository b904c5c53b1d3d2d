import { assert, assertEquals } from "@std/assert";
import {
  formatBytes,
  formatPercent,
  formatSeconds,
} from "../../../lib/cli/terminal/format.ts";
import {
  renderBar,
  renderDownload,
  renderDownloads,
  renderEnd,
  renderLine,
  renderTable,
} from "../../../lib/cli/terminal/render.ts";
import { frame } from "../../../lib/cli/terminal/screen.ts";
import {
  clip,
  fit,
  printable,
  widthOf,
} from "../../../lib/cli/terminal/width.ts";
import { renderView, type ServerView } from "../../../lib/cli/watch.ts";
import { heard } from "../../../lib/client/view.ts";
import type { Status } from "../../../lib/status/status.ts";

const MiB = 1024 * 1024;

function status(fields: Partial<Status> = {}): Status {
  return {
    id: "3f2a5b6c-0000-4000-8000-000000000000",
    url: "https://u:secret@example.org/a.iso?key=secret",
    process_status: "Downloading",
    filename: "a.iso",
    directory: null,
    size: 100 * MiB,
    downloaded: 50 * MiB,
    progress: 0.5,
    limit_rate: null,
    limited_by: null,
    priority: "normal",
    threads: 4,
    ranges: true,
    speed: 12.3 * MiB,
    eta: 4,
    slices: [[0, 40 * MiB], [60 * MiB, 70 * MiB]],
    fetching: [[40 * MiB, 60 * MiB], [80 * MiB, 100 * MiB]],
    path_to_file: null,
    error: null,
    added_at: "2026-01-01T00:00:00.000Z",
    finished_at: null,
    ...fields,
  };
}

Deno.test("a line has name, slices, share, speed and time left", () => {
  assertEquals(
    renderDownload(status(), 80),
    "a.iso                      ██████████▓░░░░▓██▓░▒░░░░░  50%  12.3 MiB/s      0:04",
  );
});

Deno.test("a narrow line leaves out what matters least", () => {
  const lines = [44, 29, 12, 3].map((width) => renderDownload(status(), width));
  assertEquals(lines, [
    "a.iso          ████▓░░▓▓▒░░  50%  12.3 MiB/s",
    "a.iso     █████▓░░▓▓░▒░░  50%",
    "a.iso    50%",
    "… …",
  ]);
});

Deno.test("100 % is said, and a bar full, when all bytes are there", () => {
  const size = 100 * MiB;
  const almost = { downloaded: size - 1, slices: [[0, size - 1]] } as const;
  const all = { downloaded: size, slices: [[0, size]], eta: 0 } as const;
  assertEquals(
    renderDownload(status({ ...almost, eta: null }), 60),
    "a.iso                ███████████▓  99%  12.3 MiB/s          ",
  );
  assertEquals(
    renderDownload(status(all), 60),
    "a.iso                ████████████ 100%   finishing          ",
  );
  assertEquals(formatPercent(0, 0), "100%");
});

Deno.test("without a size, a bar says how much there is", () => {
  assertEquals(renderBar(status({ size: null }), 16), "50.0 MiB of ?   ");
});

Deno.test("a line says why a download does not go on", () => {
  const error = { code: "CUT", message: "It \x1b[31mended." } as const;
  assertEquals(
    renderDownload(status({ threads: 0, error }), 60),
    "a.iso  50%, trying again: It \ufffd[31mended.",
  );
  assertEquals(
    renderDownload(status({ process_status: "Failed", error }), 20),
    "a.iso  failed: It \ufffd…",
  );
  assertEquals(
    renderDownload(status({ process_status: "Queued" }), 60),
    "a.iso  waiting",
  );
});

Deno.test("plain lines show no secret of the URL", () => {
  const ended = status({ process_status: "Downloaded", downloaded: 100 * MiB });
  assertEquals(
    renderLine(status()),
    "a.iso: 50%, 50.0 MiB of 100 MiB, 12.3 MiB/s, 0:04 left",
  );
  assertEquals(
    renderEnd(ended, { seconds: 2, bytes: 50 * MiB }),
    "a.iso: 100 MiB in 2.0 s (25.0 MiB/s)",
  );
  const error = { code: "CUT", message: "Why." } as const;
  assertEquals(
    renderEnd(status({ process_status: "Failed", error }), {
      seconds: 2,
      bytes: 0,
    }),
    "a.iso: failed: Why. (https://example.org/a.iso)",
  );
});

Deno.test("what does not fit on the screen is counted", () => {
  const queued = status({ process_status: "Queued" });
  const lines = renderDownloads(
    [queued, queued, status({ filename: "b" })],
    { width: 20, height: 2 },
    5,
  );
  assertEquals(lines, ["b      ███▓▓▓▒░  50%", "… and 7 more"]);
});

Deno.test("a table has an id to type, and why it failed", () => {
  const error = { code: "CUT", message: "Why." } as const;
  assertEquals(
    renderTable([
      status(),
      status({ process_status: "Failed", error }),
    ], Infinity),
    [
      "3f2a5b6c  Downloading   50%   100 MiB  a.iso",
      "3f2a5b6c  Failed        50%   100 MiB  a.iso  (Why.)",
    ],
  );
});

Deno.test("a frame stands where the one before stood, however wrapped", () => {
  assertEquals(frame([], ["a"], 10), "a\x1b[K\n\x1b[J");
  assertEquals(frame(["a", "b"], ["c"], 10), "\x1b[2A\rc\x1b[K\n\x1b[J");
  assertEquals(frame(["a".repeat(25)], [], 10), "\x1b[3A\r\x1b[J");
});

Deno.test("numbers are as people read them", () => {
  assertEquals(
    [0, 1023, 1024, 10_000, 1023.6 * 1024, 5.5 * 2 ** 30].map(formatBytes),
    ["0 B", "1023 B", "1.0 KiB", "9.8 KiB", "1.0 MiB", "5.5 GiB"],
  );
  assertEquals(
    [0, 7, 754, 3723, 400_000].map(formatSeconds),
    ["0:00", "0:07", "12:34", "1:02:03", "4d 15h"],
  );
});

Deno.test("wide and combining characters count as they are shown", () => {
  assertEquals(["a", "日本", "e\u0301", "👩‍👩‍👧", "한글", "✓"].map(widthOf), [
    1,
    4,
    1,
    2,
    4,
    1,
  ]);
  assertEquals(clip("日本語", 5), "日本…");
  assertEquals(fit("日本語", 4), "日… ");
  assertEquals(fit("ab", 4), "ab  ");
  assertEquals(
    printable("a\x1b]0;x\x07\u202eb\n"),
    "a\ufffd]0;x\ufffd\ufffdb\ufffd",
  );
});

Deno.test("the view of a server follows its messages", () => {
  const none: ServerView = {
    server: "ws://localhost:8888/",
    connection: { kind: "connecting" },
    totals: null,
    disk: null,
    downloads: new Map(),
  };
  const totals = {
    Queued: 0,
    Downloading: 1,
    Paused: 0,
    Downloaded: 2,
    Failed: 0,
  };
  const one = heard(none, {
    changed: [status()],
    removed: [],
    totals,
    disk: null,
    isSnapshot: true,
  });
  assertEquals(renderView(one, { width: 60, height: 5 }), [
    "1 downloading, 2 downloaded  12.3 MiB/s",
    "",
    renderDownload(status(), 60),
    "… and 2 more",
    "q quits",
  ]);
  const gone = heard(one, {
    changed: [],
    removed: [status().id],
    totals,
    disk: null,
    isSnapshot: false,
  });
  assertEquals(gone.downloads.size, 0);
  assertEquals(
    renderView(gone, { width: 80, height: 4 })[0],
    "ws://localhost:8888/  1 downloading, 2 downloaded",
  );
  const lost = { kind: "lost", reason: "The server went away." } as const;
  assertEquals(
    renderView({ ...gone, connection: lost }, { width: 60, height: 4 }).at(-1),
    "NOT CONNECTED: The server went away. Trying again…",
  );
  assertEquals(
    renderView({ ...gone, connection: lost }, { width: 24, height: 8 }),
    [
      "1 downloading, 2 downlo…",
      "",
      "… and 3 more",
      "",
      "",
      "NOT CONNECTED: The",
      "server went away. Trying",
      "again…",
    ],
  );
});

Deno.test("no line is wider than the terminal", () => {
  const names = [
    "a",
    "b".repeat(300),
    "日本語のファイル名.zip",
    "é".repeat(80),
  ];
  const error = { code: "CUT", message: "x".repeat(200) } as const;
  for (const filename of names) {
    for (
      const state of ["Downloading", "Queued", "Failed", "Paused"] as const
    ) {
      for (let width = 1; width < 200; width += 7) {
        const one = status({ filename, process_status: state, error });
        assert(widthOf(renderDownload(one, width)) <= width);
        assert(
          widthOf(renderDownload({ ...one, error: null }, width)) <= width,
        );
      }
    }
  }
});
