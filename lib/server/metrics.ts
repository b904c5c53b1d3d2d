/** What operators measure, in OpenMetrics. */

/** One family of metrics: its samples, by the value of a label or without. */
export interface Family {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  /** The label's name; null for a single sample. */
  readonly label: string | null;
  readonly samples: readonly (readonly [label: string, value: number])[];
}

/** A family of one sample. */
export function single(
  name: string,
  type: Family["type"],
  help: string,
  value: number,
): Family {
  return { name, type, help, label: null, samples: [["", value]] };
}

/** What is measured of a server at one moment. */
export interface Measures {
  /** Bytes written so far. */
  readonly bytes: number;
  /** How many attempts have failed so far, by reason. */
  readonly failures: Iterable<readonly [reason: string, count: number]>;
  readonly totals: Readonly<Record<string, number>> & {
    readonly Queued: number;
  };
  readonly threads: number;
  readonly sockets: number;
  /** The worst lag of the event loop, in seconds. */
  readonly lag: number;
  /** Null where the server shares its queue with no other. */
  readonly cluster: ClusterMeasures | null;
}

/** What is measured of a queue that servers share. */
export interface ClusterMeasures {
  /** Servers that have a lease. */
  readonly nodes: number;
  /** For how much longer this one may write, in seconds. */
  readonly lease: number;
  /** Writes that met a change of another server's. */
  readonly conflicts: number;
  readonly connected: boolean;
}

/** All families of a server's metrics. */
export function familiesOf(
  { bytes, failures, totals, threads, sockets, lag, cluster }: Measures,
): Family[] {
  return [
    single("sluice_bytes", "counter", "Bytes written.", bytes),
    {
      name: "sluice_failures",
      type: "counter",
      help: "Failed attempts, by reason; most are tried again.",
      label: "reason",
      samples: [...failures],
    },
    {
      name: "sluice_downloads",
      type: "gauge",
      help: "Downloads, by state.",
      label: "state",
      samples: Object.entries(totals),
    },
    single("sluice_queue", "gauge", "Downloads waiting.", totals.Queued),
    single("sluice_threads", "gauge", "Threads.", threads),
    single("sluice_sockets", "gauge", "Clients.", sockets),
    single(
      "sluice_loop_lag_seconds",
      "gauge",
      "The event loop's worst lag since the last reading.",
      lag,
    ),
    ...(cluster === null ? [] : familiesOfCluster(cluster)),
  ];
}

function familiesOfCluster(
  { nodes, lease, conflicts, connected }: ClusterMeasures,
): Family[] {
  return [
    single("sluice_nodes", "gauge", "Servers that share the queue.", nodes),
    single(
      "sluice_lease_seconds",
      "gauge",
      "For how much longer this server may write.",
      lease,
    ),
    single(
      "sluice_cas_conflicts",
      "counter",
      "Writes that met a change of another server's.",
      conflicts,
    ),
    single(
      "sluice_queue_connected",
      "gauge",
      "Whether the queue's broker can be reached.",
      Number(connected),
    ),
  ];
}

/** The text of an exposition, as OpenMetrics 1.0 wants it. */
export function render(families: readonly Family[]): string {
  const lines = families.flatMap(({ name, type, help, label, samples }) => [
    `# TYPE ${name} ${type}`,
    `# HELP ${name} ${help}`,
    ...samples.map(([value, number]) => {
      const sample = type === "counter" ? `${name}_total` : name;
      return `${sample}${label ? `{${label}="${value}"}` : ""} ${number}`;
    }),
  ]);
  return [...lines, "# EOF", ""].join("\n");
}

/** The media type of an exposition. */
export const METRICS_TYPE =
  "application/openmetrics-text; version=1.0.0; charset=utf-8";

/** Measures how late the event loop is. */
export interface LagMeter extends Disposable {
  /** The worst lag since the last reading, in seconds. */
  read(): number;
}

/** How often the meter's timer fires, in milliseconds. */
const BEAT = 100;

/** Starts a lag meter. */
export function startLagMeter(): LagMeter {
  let last = performance.now();
  let worst = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    worst = Math.max(worst, now - last - BEAT);
    last = now;
  }, BEAT);
  return {
    read() {
      const lag = Math.max(0, worst) / 1000;
      worst = 0;
      return lag;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
