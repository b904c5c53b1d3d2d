import { assertEquals } from "@std/assert";
import {
  faultOfMirrors,
  labelOfFresh,
  wordsOfAdded,
  wordsOfFound,
  wordsOfKnown,
} from "../../../lib/server/ui/add_words.js";
import { speak } from "../../../lib/server/ui/words.js";
import { status } from "./statuses.ts";

const ONE = { urls: ["https://a.example/1"], rejected: [], twice: 0 };

Deno.test("of one link that is taken, nothing is said", () => {
  assertEquals(wordsOfFound(ONE, { shown: true }), "");
});

Deno.test("more is counted, with what is not taken", () => {
  const two = { ...ONE, urls: ["https://a.example/1", "https://a.example/2"] };
  assertEquals(wordsOfFound(two, { shown: true }), "2 links.");
  assertEquals(
    wordsOfFound(two, { shown: false }),
    "2 links. The text is too long to be shown here.",
  );
  assertEquals(
    wordsOfFound({ ...ONE, twice: 1, rejected: ["a"] }, { shown: true }),
    "One link. One was there twice. " +
      "One line holds no link that can be fetched: “a”.",
  );
  const long = "a".repeat(41);
  assertEquals(
    wordsOfFound({ urls: [], twice: 0, rejected: [long, "b"] }, {
      shown: true,
    }),
    "2 lines hold no link that can be fetched, such as " +
      `“${"a".repeat(40)}…”.`,
  );
  assertEquals(wordsOfAdded(ONE), "Added one link.");
  assertEquals(
    wordsOfAdded({ ...two, twice: 3 }),
    "Added 2 links. 3 were there twice.",
  );
});

Deno.test("what is known already is named, with how it stands", () => {
  const known = (count: number) =>
    new Map(
      Array.from({ length: count }, (_, n) => [
        `https://a.example/${n}`,
        status({ filename: `${n}.zip`, process_status: "Downloaded" }),
      ]),
    );
  assertEquals(
    wordsOfKnown(1, known(1)),
    "This link is in the list already: 0.zip (finished).",
  );
  assertEquals(
    wordsOfKnown(2, known(1)),
    "One of these links is in the list already: 0.zip (finished).",
  );
  assertEquals(
    wordsOfKnown(9, known(3)),
    "3 of these links are in the list already, such as 0.zip (finished), " +
      "1.zip (finished).",
  );
  assertEquals(labelOfFresh(1), "Add the other one");
  assertEquals(labelOfFresh(1_200), "Add the other 1,200");
});

Deno.test("what the server minds of a mirror names that one", async () => {
  const mirrors = ["https://a.test/1", `https://b.test/${"b".repeat(50)}`];
  const refused = (message: string, code = "BAD_URL") =>
    faultOfMirrors({ code, message }, mirrors);
  assertEquals(refused('"urls"[0]: "mirrors"[1]: The URL is too long.'), {
    text: "“https://b.test/bbbbbbbbbbbbbbbbbbbbbbbbb…”: The URL is too long.",
    original: null,
  });
  const many = '"mirrors" must be a list of at most 16 URLs.';
  assertEquals(refused(`"urls"[0]: ${many}`, "BAD_REQUEST"), {
    text: many,
    original: null,
  });
  assertEquals(refused('"urls"[0]: The URL is too long.'), null);
  assertEquals(faultOfMirrors("The connection was lost.", mirrors), null);
  await speak("de");
  assertEquals(refused('"urls"[0]: "mirrors"[0]: The URL is too long.'), {
    text: "„https://a.test/1“: Der Link ist ungültig",
    original: "The URL is too long.",
  });
  await speak("en");
});
