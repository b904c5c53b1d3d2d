import { assertEquals } from "@std/assert";
import { parseMoment } from "../../lib/download/moment.ts";

Deno.test("a moment is a day and a time that there are", () => {
  const leap = Date.UTC(2028, 1, 29, 17, 30);
  assertEquals(parseMoment("2028-02-29T18:30+01:00"), leap);
  assertEquals(parseMoment("2028-02-29t17:30:00.000z"), leap);
  // In a zone west of it, the day before.
  assertEquals(
    parseMoment("2027-03-01T00:00+01:00"),
    Date.UTC(2027, 1, 28, 23),
  );
  assertEquals(
    parseMoment("2027-02-28T23:59"),
    new Date(2027, 1, 28, 23, 59).getTime(),
  );
  for (
    const text of [
      "2027-02-29T18:00Z",
      "2027-02-30T18:00",
      "2100-02-29T18:00Z",
      "2027-04-31T18:00+01:00",
      "2027-13-01T18:00Z",
      "2027-00-01T18:00Z",
      "2027-01-00T18:00Z",
      "2027-01-01T25:00Z",
      "tomorrow",
      "",
    ]
  ) assertEquals(parseMoment(text), undefined, text);
});
