import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  METRICS_TYPE,
  render,
  single,
  startLagMeter,
} from "../../lib/server/metrics.ts";
import { file, startOrigin } from "../support/origin.ts";
import { type Sluice, startSluice } from "../support/sluice.ts";

/** One family as a scraper reads it. */
interface Parsed {
  readonly type: string;
  readonly help: string;
  /** Values by the whole of name and labels. */
  readonly samples: Map<string, number>;
}

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const LABELS = `\\{([a-zA-Z_][a-zA-Z0-9_]*="[^"\\\\\\n]*",?)+\\}`;
const NUMBER = String.raw`[+-]?\d+(\.\d+)?(e[+-]?\d+)?`;

/** Reads an exposition as strictly as OpenMetrics 1.0 puts it. */
function parse(text: string): Map<string, Parsed> {
  assert(text.endsWith("# EOF\n"), "It must end with # EOF");
  assert(!text.includes("\r"));
  const families = new Map<string, Parsed>();
  let current: { name: string; type: string; help: string | null } | null =
    null;
  for (
    const line of text.slice(0, -"# EOF\n".length).split("\n").slice(0, -1)
  ) {
    const type = line.match(`^# TYPE (${NAME}) (counter|gauge)$`);
    const help = line.match(`^# HELP (${NAME}) (.+)$`);
    const sample = line.match(`^((${NAME})(?:${LABELS})?) (${NUMBER})$`);
    if (type) {
      const [, name = "", kind = ""] = type;
      assert(!families.has(name), `${name} is told twice`);
      assert(!name.endsWith("_total"), line);
      current = { name, type: kind, help: null };
      families.set(name, { type: kind, help: "", samples: new Map() });
    } else if (help) {
      assertEquals(help[1], current?.name, line);
      const family = families.get(help[1] ?? "");
      assert(family && family.help === "", line);
      families.set(help[1] ?? "", { ...family, help: help[2] ?? "" });
    } else {
      assert(sample, `Not a line of OpenMetrics: ${line}`);
      const [, key = "", name = ""] = sample;
      const value = Number(sample.at(-3));
      const family = families.get(current?.name ?? "");
      assert(family && current, `${line} is in no family`);
      const suffix = family.type === "counter" ? "_total" : "";
      assertEquals(name, current.name + suffix, line);
      assert(!family.samples.has(key), `${key} is told twice`);
      assert(Number.isFinite(value) && value >= 0, line);
      family.samples.set(key, value);
    }
  }
  return families;
}

async function scrape(sluice: Sluice): Promise<Map<string, Parsed>> {
  const response = await fetch(
    new URL("/metrics", sluice.url.replace("ws", "http")),
  );
  assertEquals(response.status, 200);
  assertEquals(
    response.headers.get("content-type"),
    "application/openmetrics-text; version=1.0.0; charset=utf-8",
  );
  return parse(await response.text());
}

Deno.test("an exposition is OpenMetrics, also with no samples", () => {
  const text = render([
    single("a_bytes", "counter", "Bytes.", 2 ** 60),
    { name: "b", type: "gauge", help: "By x.", label: "x", samples: [] },
    {
      name: "c",
      type: "counter",
      help: "By y.",
      label: "y",
      samples: [["one", 1], ["two", 0.5]],
    },
  ]);
  const families = parse(text);
  assertEquals([...families.keys()], ["a_bytes", "b", "c"]);
  assertEquals(families.get("a_bytes")?.samples.get("a_bytes_total"), 2 ** 60);
  assertEquals(families.get("b")?.samples.size, 0);
  assertEquals(families.get("c")?.samples.get('c_total{y="two"}'), 0.5);
  assertMatch(METRICS_TYPE, /^application\/openmetrics-text; version=1\.0\.0/);
});

Deno.test("the lag meter tells the worst lag, and forgets it once told", async () => {
  using meter = startLagMeter();
  const until = performance.now() + 300;
  while (performance.now() < until);
  let worst = 0;
  while (worst === 0) {
    const turn = Promise.withResolvers<void>();
    setTimeout(turn.resolve, 0);
    await turn.promise;
    worst = meter.read();
  }
  assert(worst > 0.1 && worst < 10, `${worst}`);
  assertEquals(meter.read(), 0);
});

Deno.test("the metrics are OpenMetrics, and counters only ever rise", async () => {
  await using origin = await startOrigin();
  await using sluice = await startSluice({
    environment: { RETRY_WAIT: "10", THREADS_AMOUNT: "4" },
  });
  const before = await scrape(sluice);
  for (
    const name of [
      "sluice_bytes",
      "sluice_failures",
      "sluice_downloads",
      "sluice_queue",
      "sluice_threads",
      "sluice_sockets",
      "sluice_loop_lag_seconds",
    ]
  ) assert(before.has(name), name);
  assertEquals(valueOf(before, "sluice_bytes", "sluice_bytes_total"), 0);
  await using client = await sluice.connect();
  const size = 600_000;
  const url = origin.serve(
    "/a",
    file(size),
    ({ nth }) => nth < 2 ? { status: 503 } : {},
  );
  const lost = origin.serve("/b", null);
  await client.end(await client.add({ url }));
  await client.end(await client.add({ url: lost }));
  const after = await scrape(sluice);
  for (const [name, { type, samples }] of before) {
    if (type !== "counter") continue;
    for (const [key, value] of samples) {
      assert(valueOf(after, name, key) >= value, key);
    }
  }
  assertEquals(valueOf(after, "sluice_bytes", "sluice_bytes_total"), size);
  assertEquals(valueOf(after, "sluice_sockets", "sluice_sockets"), 1);
  const failures = after.get("sluice_failures")?.samples ?? new Map();
  assert(failures.size >= 2, "a 503 and a 404");
  const downloads = (state: string) =>
    valueOf(after, "sluice_downloads", `sluice_downloads{state="${state}"}`);
  assertEquals(downloads("Downloaded"), 1);
  assertEquals(downloads("Failed"), 1);
  assertEquals(downloads("Queued"), 0);
});

function valueOf(
  families: Map<string, Parsed>,
  name: string,
  key: string,
): number {
  return families.get(name)?.samples.get(key) ?? NaN;
}

Deno.test("healthz needs no token, metrics do", async () => {
  const token = "a-token-of-32-characters-or-more";
  await using sluice = await startSluice({
    environment: { AUTH_TOKEN: token },
  });
  const base = sluice.url.replace("ws", "http");
  const health = await fetch(`${base}healthz`);
  assertEquals([health.status, await health.text()], [200, "ok\n"]);
  const closed = await fetch(`${base}metrics`);
  assertEquals(closed.status, 401);
  await closed.body?.cancel();
  const open = await fetch(`${base}metrics`, {
    headers: { authorization: `Bearer ${token}` },
  });
  assertEquals(open.status, 200);
  parse(await open.text());
});
