/** The name that a file gets, also where it is taken. */

import { assertEquals } from "@std/assert";
import { filesIn, makeDirectory } from "../support/directory.ts";
import { startDownloads } from "../support/downloads.ts";
import { file, type OriginFile, startOrigin } from "../support/origin.ts";
import { assertDownloaded, assertFailed } from "../support/status.ts";
import { REMOVE, startTrial, WHOLE } from "../support/trial.ts";

const NAMES: [string, string | Uint8Array | string[], string][] = [
  ["filename", 'attachment; filename="a.txt"', "a.txt"],
  ["filename without quotes", "attachment; filename=a.txt", "a.txt"],
  ["filename, inline", 'inline; FileName = "a.txt" ', "a.txt"],
  [
    "filename*",
    "attachment; filename*=UTF-8''na%C3%AFve%20%E2%82%AC.txt",
    "naïve €.txt",
  ],
  [
    "filename* in Latin-1",
    "attachment; filename*=iso-8859-1'en'na%EFve.txt",
    "naïve.txt",
  ],
  [
    "both, filename first",
    "attachment; filename=\"b.txt\"; filename*=UTF-8''a.txt",
    "a.txt",
  ],
  [
    "both, filename* first",
    "attachment; filename*=UTF-8''a.txt; filename=\"b.txt\"",
    "a.txt",
  ],
  [
    "both, filename* broken",
    'attachment; filename*=%zz; filename="a.txt"',
    "a.txt",
  ],
  ["quotes in quotes", 'attachment; filename="a \\"b\\".txt"', "a _b_.txt"],
  ["a quote without end", 'attachment; filename="a.txt', "a.txt"],
  ["a semicolon in quotes", 'attachment; filename="a;b.txt"', "a;b.txt"],
  ["../../x", 'attachment; filename="../../x"', "x"],
  ["/etc/passwd", 'attachment; filename="/etc/passwd"', "passwd"],
  ["..%2fx", 'attachment; filename="..%2fx"', "_x"],
  ["..%2fx, encoded", "attachment; filename*=UTF-8''..%2F..%2Fx", "x"],
  ["..%2fx, encoded twice", "attachment; filename*=UTF-8''..%252fx", "_x"],
  ["backslashes", 'attachment; filename="..\\..\\x.txt"', "x.txt"],
  ["a drive", 'attachment; filename="C:\\dir\\x.txt"', "x.txt"],
  ["a stream", 'attachment; filename="x.txt:evil"', "x.txt_evil"],
  ["NUL", "attachment; filename*=UTF-8''a%00b.txt", "a_b.txt"],
  ["a line break", "attachment; filename*=UTF-8''a%0D%0Ab.txt", "a__b.txt"],
  ["letters read backwards", "attachment; filename*=UTF-8''a%E2%80%AEb", "a_b"],
  ["CON", "attachment; filename=CON", "_CON"],
  ["con.txt", "attachment; filename=con.txt", "_con.txt"],
  ["a leading dot", "attachment; filename=.bashrc", "bashrc"],
  ["Sluice's own directory", "attachment; filename=.sluice", "sluice"],
  ["a trailing dot", 'attachment; filename="a.txt. . "', "a.txt"],
  [
    "300 bytes",
    `attachment; filename="${"a".repeat(296)}.txt"`,
    `${"a".repeat(236)}.txt`,
  ],
  [
    "300 bytes of UTF-8",
    `attachment; filename="${"é".repeat(148)}.txt"`,
    `${"é".repeat(118)}.txt`,
  ],
  ["raw UTF-8", 'attachment; filename="naïve €.txt"', "naïve €.txt"],
  [
    "raw Latin-1",
    Uint8Array.from('attachment; filename="naïve.txt"', (c) => c.charCodeAt(0)),
    "naïve.txt",
  ],
  ["two headers", ["inline", "attachment; filename=a.txt"], "a.txt"],
  [
    "percent-encoded",
    'attachment; filename="%EC%82%AC%EB%B3%B8_-DSC02499.jpg"',
    "사본_-DSC02499.jpg",
  ],
  [
    "percent-encoded, without quotes",
    "attachment; filename=%e3%83%86%e3%82%b9%e3%83%88.zip",
    "テスト.zip",
  ],
  [
    "a percent-encoded space",
    'attachment; filename="annual%20report.pdf"',
    "annual report.pdf",
  ],
  ["a percent sign", 'attachment; filename="100% sure.pdf"', "100% sure.pdf"],
  [
    "percent-encoded, but not in UTF-8",
    'attachment; filename="%C4%E3.txt"',
    "%C4%E3.txt",
  ],
  [
    "an encoded word in Base64",
    'attachment; filename="=?UTF-8?B?5ZCN5YmNLnppcA==?="',
    "名前.zip",
  ],
  [
    "an encoded word in Q",
    'attachment; filename="=?utf-8?Q?r=C3=A9sum=C3=A9.pdf?="',
    "résumé.pdf",
  ],
  [
    "a character that begins in one encoded word and ends in the next",
    'attachment; filename="=?UTF-8?Q?na=C3?= =?UTF-8?Q?=AFve_1.txt?="',
    "naïve 1.txt",
  ],
  [
    "an encoded word in another charset",
    'attachment; filename="=?iso-2022-jp?B?GyRCRnxLXBsoQi50eHQ=?="',
    "日本.txt",
  ],
  [
    "filename* in GBK",
    "attachment; filename*=GBK''%C4%E3%BA%C3.txt",
    "你好.txt",
  ],
  [
    "filename* in Shift_JIS",
    "attachment; filename*=Shift_JIS'ja'%93%FA%96%7B.txt",
    "日本.txt",
  ],
  [
    "filename* in a charset that is none",
    "attachment; filename*=X-Martian''%C4.txt; filename=a.txt",
    "a.txt",
  ],
  [
    "filename* in quotes",
    "attachment; filename*=\"UTF-8''na%C3%AFve.txt\"",
    "naïve.txt",
  ],
  [
    "an apostrophe",
    "attachment; filename=John's%20Resume.pdf; filename*=UTF-8''John's%20Resume.pdf",
    "John's Resume.pdf",
  ],
  [
    "question marks, and a filename*",
    "attachment; filename=\"????.epub\"; filename*=UTF-8''%E5%B0%8F%E8%AA%AA.epub",
    "小說.epub",
  ],
  [
    "in pieces",
    'attachment; filename*0="long-"; filename*1="name.zip"',
    "long-name.zip",
  ],
  [
    "in pieces, one of them encoded",
    "attachment; filename*0*=UTF-8''%e2%82%ac; filename*1=\"-100%25.txt\"",
    "€-100%25.txt",
  ],
  ["no semicolon", 'attachment filename="plain.bin"', "plain.bin"],
  ["a comma", 'attachment, filename="plain.bin"', "plain.bin"],
  [
    "a semicolon at the end",
    'attachment; filename="opensmile-2.3.0.tar.gz";',
    "opensmile-2.3.0.tar.gz",
  ],
  ["a plus sign", 'attachment; filename="a+b.txt"', "a+b.txt"],
  ["Persian", 'attachment; filename="می\u200cخواهم.txt"', "می\u200cخواهم.txt"],
  ["Hindi", 'attachment; filename="क्\u200dष.txt"', "क्\u200dष.txt"],
  ["emoji", 'attachment; filename="👩\u200d👧.txt"', "👩\u200d👧.txt"],
  ["a joiner of nothing", 'attachment; filename="a\u200d.txt"', "a_.txt"],
  ["a space of no width", 'attachment; filename="a\u200bb.txt"', "a_b.txt"],
  // supabase/storage#1385
  [
    "apostrophes in both",
    "attachment; filename=a%27s%20b(1).txt; filename*=UTF-8''a's%20b(1).txt",
    "a's b(1).txt",
  ],
  // erickutcher/httpdownloader#28, mozilla-mobile/android-components#11054
  [
    "filename* before filename",
    "attachment;filename*=utf-8'en'a%2Db.txt;filename=_.txt",
    "a-b.txt",
  ],
  ["an empty filename", 'attachment; filename=""', "from the URL.bin"],
  ["a filename of a dot", "attachment; filename=.", "from the URL.bin"],
  ["a filename of two dots", "attachment; filename=..", "from the URL.bin"],
  [
    "a path that ends in a slash",
    "attachment; filename=a/",
    "from the URL.bin",
  ],
  ["a header without a filename", "attachment", "from the URL.bin"],
  ["an empty header", "", "from the URL.bin"],
  ["a directory's name", "attachment; filename=directory", "directory (1)"],
  ["a link's name", "attachment; filename=link.txt", "link (1).txt"],
];

Deno.test("Content-Disposition names the file, but not where it goes", async (t) => {
  await using trial = await startTrial();
  const { origin, downloads: { directory } } = trial;
  await using outside = await makeDirectory();
  await Deno.mkdir(`${directory}/directory`);
  await Deno.symlink(`${outside.path}/planted`, `${directory}/link.txt`);
  for (const [what, header, name] of NAMES) {
    await t.step(what, async () => {
      const headers = { "Content-Disposition": header };
      const url = origin.serve("/from%20the%20URL.bin", WHOLE, { headers });
      const id = await trial.downloads.add({ url });
      const status = await trial.downloads.end(id);
      await assertDownloaded(status, WHOLE, name);
      const files = filesIn(directory);
      assertEquals(files, ["directory", "link.txt", name].sort());
      await trial.downloads.coordinator.command(id, REMOVE);
    });
  }
  await trial.good();
  assertEquals(outside.names(), []);
});

Deno.test("a NUL in a header's own bytes is an error", async () => {
  await using trial = await startTrial();
  const headers = { "Content-Disposition": 'attachment; filename="a\0b"' };
  const url = trial.origin.serve("/a", WHOLE, { headers });
  assertFailed(await trial.end(url), "UNREADABLE");
});

Deno.test("many downloads that want one name at once all get one", async () => {
  await using origin = await startOrigin();
  await using downloads = await startDownloads({ threadsAmount: 16 });
  const count = 40;
  const files = Array.from({ length: count }, (_, n) => file(1000 + n, n));
  const ids = await Promise.all(
    files.map((whole, n) =>
      downloads.add({ url: origin.serve(`/${n}`, whole), filename: "a.b" })
    ),
  );
  for (const [n, id] of ids.entries()) {
    await assertDownloaded(await downloads.end(id), files[n] as OriginFile);
  }
  const names = Array.from(
    { length: count },
    (_, n) => n === 0 ? "a.b" : `a (${n}).b`,
  );
  assertEquals(filesIn(downloads.directory), names.sort());
});

Deno.test("what has the name already stays as it is, be it what it may", async () => {
  await using origin = await startOrigin();
  await using downloads = await startDownloads();
  const { directory } = downloads;
  await using elsewhereDirectory = await makeDirectory();
  const elsewhere = elsewhereDirectory.path;
  await Deno.writeTextFile(`${directory}/a`, "mine");
  await Deno.writeTextFile(`${elsewhere}/target`, "mine, too");
  await Deno.symlink(`${elsewhere}/target`, `${directory}/a (1)`);
  await Deno.symlink(`${elsewhere}/nothing`, `${directory}/a (2)`);
  await Deno.symlink(elsewhere, `${directory}/a (3)`);
  await Deno.mkdir(`${directory}/a (4)`);
  const id = await downloads.add({ url: origin.serve("/a", WHOLE) });
  const status = await downloads.end(id);
  await assertDownloaded(status, WHOLE);
  assertEquals(status.path_to_file, `file://${directory}/a%20(5)`);
  assertEquals(await Deno.readTextFile(`${directory}/a`), "mine");
  assertEquals(
    await Deno.readTextFile(`${elsewhere}/target`),
    "mine, too",
  );
  assertEquals(filesIn(elsewhere), ["target"]);
  assertEquals(filesIn(`${directory}/a (4)`), []);
});
