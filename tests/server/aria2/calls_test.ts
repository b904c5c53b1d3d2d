import { assert, assertEquals } from "@std/assert";
import {
  type Call,
  readMessage,
  render,
} from "../../../lib/server/aria2/calls.ts";
import * as fc from "../../support/fast_check.ts";

const LIMITS = { messageLength: 10_000_000, jsonDepth: 100 };

function callsIn(text: string): readonly Partial<Call>[] {
  const message = readMessage(text, LIMITS);
  return message.kind === "one" ? [message.call] : message.calls;
}

Deno.test("an id is echoed as it was written, wherever it stands", () => {
  const ids = [
    ...["1780000000123456789", "1.0", "-0", "1e3", '""', "null", "false"],
    ...['"a\\"b\\u0041"', '[1.10,{"id":2}]', '{"id":[3],"x":"}"}', '"\\\\"'],
  ];
  for (const id of ids) {
    for (
      const call of [
        `{"id":${id},"method":"m"}`,
        `{"params":[{"id":5},"\\"id\\":6"],"method":"m","id" : ${id} }`,
        ` {"id":1,"method":"m","id":${id}}`,
        `{"\\u0069d":${id},"method":"id"}`,
      ]
    ) {
      assertEquals(callsIn(call).map(({ id }) => id), [id], call);
      const batch = `[5,[{"id":7}],${call},{"method":"m"},${call}]`;
      const found = callsIn(batch).map(({ id }) => id);
      assertEquals(found, [id, "null", id], batch);
    }
    const reply = render({ id, result: [] });
    assertEquals(reply, `{"id":${id},"jsonrpc":"2.0","result":[]}`);
  }
});

Deno.test("any message is read as JSON.parse reads it", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({ id: fc.jsonValue(), method: fc.string(), x: fc.json() }, {
          requiredKeys: [],
        }),
      ),
      fc.constantFrom(0, 2),
      (calls, indent) => {
        const text = JSON.stringify(calls, null, indent);
        const wanted = (JSON.parse(text) as typeof calls)
          .map(({ id }) => id === undefined ? null : id);
        const found = callsIn(text).map(({ id }) => JSON.parse(id ?? ""));
        assertEquals(found, wanted);
      },
    ),
  );
});

Deno.test("a message full of numbers holds up nobody", () => {
  const text = `{"id":1.5,"method":"m","params":[${"1.5,".repeat(1e6)}1]}`;
  JSON.parse(text);
  const start = performance.now();
  JSON.parse(text);
  const plain = performance.now() - start;
  const begun = performance.now();
  readMessage(text, LIMITS);
  const took = performance.now() - begun;
  assert(took < 20 * plain + 100, `${took} ms, JSON.parse alone ${plain} ms`);
});
