import { freePort } from "./free_port.ts";
import { serverCertificate, serverKey } from "./certificate.ts";
import { makeDirectory } from "./directory.ts";

const BINARY = "/usr/sbin/nginx";

/** How {@linkcode startNginx} sets nginx up. */
export interface NginxOptions {
  /** The directory to serve; by default an empty one that goes with nginx. */
  root?: string;
  /** By default 1. */
  workers?: number | "auto";
  /**
   * Speak HTTPS, with the certificate of `certificate.ts`; `h2` offers HTTP/2
   * as well.
   */
  tls?: "http/1.1" | "h2";
  /** Bytes per second of each connection. */
  limitRate?: number;
  /** How many requests may be under way at once; a further one gets 503. */
  limitConnections?: number;
  /** More lines for its server block. */
  rules?: string;
}

/** A running nginx. Disposing of it stops it and deletes what it left. */
export interface Nginx extends AsyncDisposable {
  /** Where it listens, without a slash at the end. */
  readonly url: string;
  /** The directory that it serves. */
  readonly root: string;
}

/** Whether there is an nginx to start. */
export function nginxInstalled(): boolean {
  try {
    return Deno.statSync(BINARY).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Starts nginx on a free port of 127.0.0.1; resolves once it listens. */
export async function startNginx(options: NginxOptions = {}): Promise<Nginx> {
  await using made = new AsyncDisposableStack();
  const { path: directory } = made.use(await makeDirectory());
  const root = options.root ?? `${directory}/root`;
  await Deno.mkdir(root, { recursive: true });
  await Deno.writeTextFile(`${directory}/cert.pem`, serverCertificate);
  await Deno.writeTextFile(`${directory}/key.pem`, serverKey);
  // As root, nginx would serve as another user, who may not enter here.
  const asRoot = (await Deno.stat(directory)).uid === 0;

  // Between our finding a free port and nginx's taking it, another may.
  for (let attempt = 1;; attempt++) {
    const port = freePort();
    const config = configuration(directory, root, port, asRoot, options);
    await Deno.writeTextFile(`${directory}/nginx.conf`, config);
    const stop = await launch(directory).catch((error) => {
      if (attempt === 5) throw error;
    });
    if (!stop) continue;
    made.defer(stop);
    const nginx = made.move();
    return {
      url: `${options.tls ? "https" : "http"}://127.0.0.1:${port}`,
      root,
      [Symbol.asyncDispose]: () => nginx.disposeAsync(),
    };
  }
}

function configuration(
  directory: string,
  root: string,
  port: number,
  asRoot: boolean,
  { workers = 1, tls, limitRate, limitConnections, rules = "" }: NginxOptions,
): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((kind) => `${kind}_temp_path "${directory}/${kind}";`);
  const protocols = { "http/1.1": " ssl", h2: " ssl http2" };
  return `\
${asRoot ? "user root;" : ""}
daemon off;
worker_processes ${workers};
pid "${directory}/pid";
error_log stderr error;
events { worker_connections 4096; }
http {
  ${temporary.join("\n  ")}
  access_log off;
  default_type application/octet-stream;
  sendfile on;
  tcp_nodelay on;
  keepalive_requests 1000000;
  limit_conn_zone $server_port zone=all:1m;
  server {
    listen 127.0.0.1:${port}${tls ? protocols[tls] : ""} backlog=4096;
    ssl_certificate "${directory}/cert.pem";
    ssl_certificate_key "${directory}/key.pem";
    root "${root}";
    limit_rate ${limitRate ?? 0};
    ${limitConnections ? `limit_conn all ${limitConnections};` : ""}
    ${rules}
  }
}
`;
}

/**
 * Starts nginx with the configuration in `directory`, and resolves to what
 * stops it; rejects with its own words if it ends instead of listening.
 */
async function launch(directory: string): Promise<() => Promise<void>> {
  const child = new Deno.Command(BINARY, {
    args: ["-p", directory, "-e", "stderr", "-c", `${directory}/nginx.conf`],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const said = child.stderr.text();
  let ended = false;
  const end = child.status.then(() => ended = true);

  async function stop() {
    if (!ended) child.kill("SIGTERM");
    await end;
    await said;
  }

  // nginx writes its pid only after it has got its port, whereas to connect to
  // the port might reach another process.
  const deadline = Date.now() + 10_000;
  while (!await exists(`${directory}/pid`)) {
    if (ended) throw new Error(`Cannot start nginx: ${await said}`);
    if (Date.now() > deadline) {
      await stop();
      throw new Error(`Cannot start nginx in 10 seconds: ${await said}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return stop;
}

async function exists(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
