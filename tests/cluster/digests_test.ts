import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import {
  createDigests,
  type Digests,
  type Question,
  type Told,
} from "../../lib/cluster/digests.ts";
import { DownloadError } from "../../lib/download/errors.ts";

/** A server that asks, and what it is answered. */
function asking(ask: (question: Question) => Promise<Told | null>): Digests {
  return createDigests({
    keeperOf: () => "keeper",
    ask,
    read: () => Promise.reject(new Error("It has no file.")),
  });
}

function keeping(read: () => Promise<string>): Digests {
  return createDigests({
    keeperOf: () => "nobody",
    ask: () => Promise.resolve(null),
    read,
  });
}

Deno.test("a file that takes long is read once, and asked for until it is read", async () => {
  const { promise: whole, resolve } = Promise.withResolvers<string>();
  let reads = 0;
  const keeper = keeping(() => {
    reads++;
    return whole;
  });
  const told: string[] = [];
  const asker = asking(async (question) => {
    const answer = await keeper.answer(question);
    told.push(answer.kind);
    if (told.length === 2) resolve("0f");
    return answer;
  });
  assertEquals(await asker.digestOf("id", "sha256"), "0f");
  assertEquals(told, ["working", "working", "digest"]);
  assertEquals(reads, 1);
});

Deno.test("a server that cannot read a file, or says nothing, is told of", async () => {
  const gone = new DownloadError("FILE_GONE", "The file is not here any more.");
  const keeper = keeping(() => Promise.reject(gone));
  const refused = await assertRejects(
    () => asking(keeper.answer).digestOf("id", "md5"),
    DownloadError,
  );
  assertEquals([refused.code, refused.message], [gone.code, gone.message]);
  const { code, message } = await assertRejects(
    () => asking(() => Promise.resolve(null)).digestOf("id", "md5"),
    DownloadError,
  );
  assertEquals(code, "STATE");
  assertMatch(message, /does not answer: try again/);
});
