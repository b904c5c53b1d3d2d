import { assertEquals, assertMatch } from "@std/assert";
import {
  formatAmount,
  formatBytes,
  formatDuration,
  formatFault,
  formatMoment,
  formatPath,
  formatPercent,
  formatSize,
  halvesOf,
  nameOf,
  quotedName,
  sentenceOf,
  standingOf,
  titleFor,
} from "../../../lib/server/ui/format.js";
import { status } from "./statuses.ts";

Deno.test("a download that waits for its time says when it starts", () => {
  const now = new Date("2026-11-29T12:00");
  const start_at = new Date("2026-11-29T18:00").toISOString();
  const words = standingOf({ process_status: "Paused", start_at }, now);
  assertMatch(words, /^Starts (18:00|6:00 PM)$/);
  assertEquals(standingOf({ process_status: "Paused" }, now), "Paused");
});

Deno.test("bytes have as many digits as matter", () => {
  const cases: [number, string][] = [
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.0 KiB"],
    [1536, "1.5 KiB"],
    [99.94 * 1024, "99.9 KiB"],
    [99.96 * 1024, "100 KiB"],
    [1023.9 * 1024, "1.0 MiB"],
    [238 * 2 ** 30, "238 GiB"],
    [5 * 2 ** 50, "5.0 PiB"],
    [5000 * 2 ** 50, "5,000 PiB"],
  ];
  for (const [bytes, text] of cases) assertEquals(formatBytes(bytes), text);
});

Deno.test("a span of time is in its two largest units", () => {
  const cases: [number, string][] = [
    [0, "0 s"],
    [0.2, "1 s"],
    [59, "59 s"],
    [60, "1 min"],
    [80, "1 min 20 s"],
    [7500, "2 h 5 min"],
    [86_400, "1 d"],
    [300_000, "3 d 11 h"],
    [1e9, "over 100 d"],
  ];
  for (const [seconds, text] of cases) {
    assertEquals(formatDuration(seconds), text);
  }
});

Deno.test("100 % is said only of what is whole", () => {
  assertEquals([0, 0.5, 0.9999, 1].map(formatPercent), [
    "0 %",
    "50 %",
    "99 %",
    "100 %",
  ]);
});

Deno.test("a moment of today is a time, another one a date", () => {
  const now = new Date(2026, 6, 4, 12);
  const at = (...parts: [number, number, number, number]) =>
    formatMoment(new Date(...parts).toISOString(), now);
  assertEquals(at(2026, 6, 4, 9), "09:00");
  assertEquals(at(2026, 6, 3, 9), "3 Jul, 09:00");
  assertEquals(at(2025, 6, 3, 9), "3 Jul 2025, 09:00");
});

Deno.test("an amount names its unit once", () => {
  const MiB = 2 ** 20;
  assertEquals(
    formatAmount(status({ downloaded: 3 * MiB, size: 9 * MiB })),
    "3.0 of 9.0 MiB",
  );
  assertEquals(
    formatAmount(status({ downloaded: 3 * MiB, size: 9 * 1024 * MiB })),
    "3.0 MiB of 9.0 GiB",
  );
  assertEquals(formatAmount(status({ downloaded: 0, size: null })), "");
  assertEquals(formatAmount(status({ downloaded: 7, size: null })), "7 B");
});

Deno.test("a download without a name has that of its URL", () => {
  const names: [string, string][] = [
    ["https://a.example/x/y%20z.iso?k=v", "y z.iso"],
    ["https://a.example/x/", "x"],
    ["https://a.example/", "a.example"],
    ["https://a.example/%ff", "%ff"],
  ];
  for (const [url, name] of names) {
    assertEquals(nameOf({ filename: null, url }), name);
  }
  assertEquals(nameOf({ filename: "b", url: "https://a.example/a" }), "b");
});

Deno.test("a download is told in a sentence", () => {
  assertEquals(
    sentenceOf(
      status({
        filename: "a.iso",
        process_status: "Downloading",
        size: 2048,
        downloaded: 1024,
        progress: 0.5,
        speed: 512,
        eta: 2,
        threads: 1,
      }),
      new Date(),
    ),
    "a.iso, Downloading, 50 %, 1.0 of 2.0 KiB, 512 B/s, 2 s left, 1 thread",
  );
  assertEquals(
    sentenceOf(
      status({
        filename: "a.iso",
        process_status: "Failed",
        error: { code: "TLS", message: "No." },
      }),
      new Date(),
    ),
    "a.iso, Failed, No.",
  );
});

Deno.test("the title says how it stands", () => {
  const totals = {
    Queued: 0,
    Downloading: 0,
    Paused: 0,
    Downloaded: 9,
    Failed: 0,
  };
  const title = (more: Partial<typeof totals>, connected = true) =>
    titleFor({
      connected,
      totals: { ...totals, ...more },
      speed: 2048,
      progress: 0.62,
    });
  assertEquals(title({}), "Sluice");
  assertEquals(title({ Downloading: 1 }), "62 % · 2.0 KiB/s · Sluice");
  assertEquals(
    title({ Downloading: 1, Queued: 9_999 }),
    "10,000 to go · 2.0 KiB/s · Sluice",
  );
  assertEquals(title({ Queued: 3 }), "3 waiting · Sluice");
  assertEquals(title({ Failed: 2 }), "2 failed · Sluice");
  assertEquals(title({ Downloading: 1 }, false), "Not connected · Sluice");
});

Deno.test("the end of a long name is seen, whole characters of it", () => {
  const long = "annual-report-of-everything-final.tar.gz";
  assertEquals(halvesOf(long), {
    start: "annual-report-of-everythin",
    end: "g-final.tar.gz",
  });
  assertEquals(halvesOf("short.bin"), { start: "short.bin", end: "" });
  const family = "👨‍👩‍👧".repeat(40);
  const { start, end } = halvesOf(family);
  assertEquals([start + end, end], [family, "👨‍👩‍👧".repeat(14)]);
});

Deno.test("nothing in a name turns what is around it, or its extension", () => {
  const evil = status({ filename: "photo\u202egpj.exe" });
  assertEquals(nameOf(evil), "photogpj.exe");
  const asked = status({ url: "https://a.example/photo%E2%80%AEgpj.exe" });
  assertEquals(nameOf(asked), "photogpj.exe");
  assertEquals(quotedName(evil), "\u2068photogpj.exe\u2069");
});

Deno.test("a file's place is written as people write it", () => {
  const paths = {
    "file:///home/me/%D0%B3%D0%BE%D0%B4%20100%25.txt": "/home/me/год 100%.txt",
    "file:///C:/Users/me/a.txt": "C:/Users/me/a.txt",
    "file://nas/share/a.txt": "//nas/share/a.txt",
    "file:///a/%FF": "file:///a/%FF",
  };
  for (const [href, path] of Object.entries(paths)) {
    assertEquals(formatPath(href), path);
  }
});

Deno.test("a size is told once, and one byte is one", () => {
  assertEquals(formatSize(0), "0 bytes");
  assertEquals(formatSize(1), "1 byte");
  assertEquals(formatSize(999), "999 bytes");
  assertEquals(formatSize(1_572_864), "1.5 MiB (1,572,864 bytes)");
});

Deno.test("a fault is told without what to do about it", () => {
  const said = "The origin answered 404: there is no such file, or the URL " +
    "has expired";
  const told = (message: string) => formatFault({ code: "CUT", message });
  assertEquals(told(`${said}; check the URL, or get a new one.`), said);
  assertEquals(told("It was cut. Try again."), "It was cut");
  assertEquals(told("Cannot use a.b: no."), "Cannot use a.b: no");
});
