import { assert, assertEquals } from "@std/assert";
import {
  readCount,
  readOptions,
  readRate,
  writeRate,
} from "../../../lib/server/ui/options.js";

const NONE = {
  filename: " ",
  directory: " ",
  checksum: "",
  mirrors: "\n",
  headers: "\n",
  threads: "",
  rate: "",
  proxy: "",
  sequential: false,
  priority: "normal",
  start: "",
  paused: false,
};

const NOW = new Date("2026-11-29T18:00:30");

function fieldsOf(texts: Partial<typeof NONE>, count = 1) {
  const read = readOptions({ ...NONE, ...texts }, count, NOW);
  assert(read.kind === "fields", JSON.stringify(read));
  return read.fields;
}

Deno.test("what is left empty is not asked for", () => {
  assertEquals(fieldsOf({}), {});
});

Deno.test("what is filled in becomes the protocol's fields", () => {
  assertEquals(
    fieldsOf({
      filename: " a.bin ",
      directory: " films/2026 ",
      headers: "X-Key:  k: 1 \n\ncookie: a=b",
      threads: "4",
      priority: "low",
      paused: true,
    }),
    {
      filename: "a.bin",
      directory: "films/2026",
      headers: { "x-key": "k: 1", cookie: "a=b" },
      threads: 4,
      priority: "low",
      paused: true,
    },
  );
  const shared = { directory: "films", threads: "2", sequential: true };
  assertEquals(fieldsOf(shared, 9), {
    directory: "films",
    threads: 2,
    order: "sequential",
  });
});

Deno.test("mirrors are the links of a text, each once", () => {
  const mirrors = ["https://a.test/1", "http://b.test/2?c"];
  const text = `- ${mirrors[0]}\n(${mirrors[1]}),\n${mirrors[0]}\n`;
  assertEquals(fieldsOf({ mirrors: text }), { mirrors });
});

Deno.test("a moment of the reader's becomes one of all the world's", () => {
  for (const start of ["2026-11-29T18:00", "2026-11-29T18:01"]) {
    const start_at = new Date(start).toISOString();
    assertEquals(fieldsOf({ start }, 2), { start_at }, start);
  }
});

Deno.test("a checksum may be looked for, for many links, too", () => {
  const sums = "https://a.example/SHA256SUMS";
  assertEquals(fieldsOf({ checksum: " Auto" }), { checksum_from: "auto" });
  assertEquals(fieldsOf({ checksum: sums }), { checksum_from: sums });
});

Deno.test("a checksum is known by its length, as sites and tools write it", () => {
  const digits = "aB".repeat(32);
  for (
    const text of [
      digits,
      ` ${digits}\n`,
      `${digits}  debian.iso`,
      `${digits} *debian.iso`,
      `sha256:${digits}`,
      `SHA-256 = ${digits}`,
      `sha256=${digits}`,
    ]
  ) assertEquals(fieldsOf({ checksum: text }), { sha256: digits }, text);
  const others = { md5: 32, sha1: 40, sha512: 128 };
  for (const [name, length] of Object.entries(others)) {
    const checksum = "0".repeat(length);
    assertEquals(fieldsOf({ checksum }), { [name]: checksum });
    assertEquals(fieldsOf({ checksum: `${name}: ${checksum}` }), {
      [name]: checksum,
    });
  }
});

Deno.test("what cannot be meant is named, with its field", () => {
  for (
    const [texts, count, field] of [
      [{ filename: "a" }, 2, "filename"],
      [{ checksum: "0".repeat(64) }, 2, "checksum"],
      [{ checksum: "0".repeat(63) }, 1, "checksum"],
      [{ checksum: "none" }, 1, "checksum"],
      [{ mirrors: "https://a.test/1" }, 2, "mirrors"],
      [{ mirrors: "https://a.test/1\nftp://b.test/1" }, 1, "mirrors"],
      [{ headers: "no colon" }, 1, "headers"],
      [{ headers: ": no name" }, 1, "headers"],
      [{ headers: "A: 1\na: 2" }, 1, "headers"],
      [{ threads: "-1" }, 1, "threads"],
      [{ threads: "1.5" }, 1, "threads"],
      [{ threads: "0" }, 1, "threads"],
      [{ threads: "?" }, 1, "threads"],
      [{ start: "?" }, 1, "start"],
      [{ start: "2026-11-29T17:59" }, 1, "start"],
      [{ start: "2026-11-29T18:01", paused: true }, 1, "start"],
    ] as const
  ) {
    const read = readOptions({ ...NONE, ...texts }, count, NOW);
    assert(read.kind === "fault", JSON.stringify(texts));
    assertEquals(read.field, field);
  }
});

Deno.test("a rate is read as curl takes it, and as pages write it", () => {
  for (
    const [text, rate] of [
      ["", null],
      ["1000", 1000],
      ["500k", 512_000],
      ["2M", 2_097_152],
      ["1 MiB/s", 1_048_576],
      ["2 MB/s", 2_000_000],
      ["1,5 MB/s", 1_500_000],
      ["1g", 1_073_741_824],
      ["999", undefined],
      ["2 T", undefined],
      ["fast", undefined],
      ["-5M", undefined],
    ] as const
  ) assertEquals(readRate(text), rate, text);
  assertEquals(fieldsOf({ rate: "2 MB/s" }), { limit_rate: 2_000_000 });
});

Deno.test("a rate is written as people write it, and is read as the same", () => {
  for (
    const [rate, text] of [
      [null, ""],
      [1_000, "1 kB/s"],
      [1_001, "1001"],
      [512_000, "500k"],
      [2_097_152, "2M"],
      [2_000_000, "2 MB/s"],
      [1_500_000, "1500 kB/s"],
      [2 ** 40, "1024G"],
    ] as const
  ) {
    assertEquals(writeRate(rate), text);
    assertEquals(readRate(writeRate(rate)), rate);
  }
});

Deno.test("how many run at a time is a whole number that the server takes", () => {
  for (
    const [text, count] of [
      [" ", null],
      [" 3 ", 3],
      ["1024", 1024],
      ["1025", undefined],
      ["0", undefined],
      ["-1", undefined],
      ["1.5", undefined],
      ["many", undefined],
    ] as const
  ) assertEquals(readCount(text), count, text);
});
