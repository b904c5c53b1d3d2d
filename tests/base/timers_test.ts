import { assertEquals } from "@std/assert";
import { pause } from "../../lib/base/timers.ts";

/** A signal, and how many listeners are on it. */
function counted() {
  const control = new AbortController();
  const { signal } = control;
  let listeners = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...given: Parameters<typeof add>) => {
    listeners++;
    add(...given);
  };
  signal.removeEventListener = (...given: Parameters<typeof remove>) => {
    listeners--;
    remove(...given);
  };
  return { control, listeners: () => listeners };
}

Deno.test("pauses leave nothing on the signal that may end them", async () => {
  const { control, listeners } = counted();
  for (let i = 0; i < 3; i++) await pause(0, control.signal);
  assertEquals(listeners(), 0);
});

Deno.test("a pause ends with its signal", async () => {
  const { control, listeners } = counted();
  const over = pause(3_600_000, control.signal);
  assertEquals(listeners(), 1);
  control.abort();
  await over;
  await pause(3_600_000, control.signal);
  assertEquals(listeners(), 0);
});
