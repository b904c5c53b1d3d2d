/** A forward proxy: HTTP (absolute form and CONNECT) and SOCKS5 on one port. */

import type { Buffer } from "node:buffer";
import net from "node:net";
import tls from "node:tls";
import type { Proxies } from "../../lib/origin/proxies.ts";

/** No proxy for any URL. */
export const NO_PROXIES: Proxies = { http: null, https: null, direct: [] };

/** A running proxy. */
export interface Proxy extends AsyncDisposable {
  /** Its host and port. */
  readonly address: string;
  /** What was asked of it, such as `CONNECT h:443`, `GET http://h/`, `SOCKS h:80`. */
  readonly asked: readonly string[];
}

/** How a proxy is. */
export interface ProxyOptions {
  /** `Basic` credentials, as in its URL, that it wants; null for none. */
  readonly credentials?: string | null;
  /** In place of any answer of its own. */
  readonly refusal?: string;
  /** What it says once it is connected: of HTTP, or SOCKS. */
  readonly granted?: string | Uint8Array;
  /** Speak TLS, with these in PEM. */
  readonly tls?: { cert: string; key: string };
}

/** Starts a proxy on a free port of 127.0.0.1. */
export async function startProxy(
  { credentials = null, refusal, granted, tls: secrets }: ProxyOptions = {},
): Promise<Proxy> {
  const asked: string[] = [];
  const sockets = new Set<net.Socket>();

  function open(socket: net.Socket): net.Socket {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
    return socket;
  }

  function join(
    client: net.Socket,
    host: string,
    port: number,
    begin: () => void,
  ) {
    const upstream = open(net.connect(port, host));
    upstream.on("connect", () => {
      begin();
      upstream.pipe(client);
      client.pipe(upstream);
    });
    upstream.on("close", () => client.destroy());
    client.on("close", () => upstream.destroy());
    return upstream;
  }

  function serveHttp(client: net.Socket, head: string): void {
    const [first = "", ...lines] = head.split("\r\n");
    const [method = "", target = "", version] = first.split(" ");
    asked.push(`${method} ${target}`);
    const given = lines.find((line) => /^proxy-authorization:/i.test(line));
    const wanted = credentials && `Basic ${btoa(credentials)}`;
    if (refusal !== undefined) return void client.end(refusal);
    if (wanted && !given?.endsWith(wanted)) {
      return void client.end(
        "HTTP/1.1 407 Proxy Authentication Required\r\n" +
          'Proxy-Authenticate: Basic realm="p"\r\nContent-Length: 0\r\n\r\n',
      );
    }
    const url = new URL(method === "CONNECT" ? `http://${target}` : target);
    const port = Number(url.port || 80);
    const upstream = join(client, url.hostname, port, () => {
      if (method !== "CONNECT") return;
      client.write(granted ?? "HTTP/1.1 200 OK\r\n\r\n");
    });
    if (method === "CONNECT") return;
    const path = url.pathname + url.search;
    const rest = lines.filter((line) => !/^proxy-|^connection:/i.test(line));
    const sent = [`${method} ${path} ${version}`, "Connection: close", ...rest];
    upstream.write(sent.join("\r\n"));
  }

  function serveSocks(client: net.Socket, greeting: Buffer): void {
    if (credentials === null) {
      client.write(Uint8Array.of(5, 0));
      client.once("data", (bytes) => connectBySocks(client, bytes));
      return;
    }
    if (!greeting.subarray(2).includes(2)) {
      client.write(Uint8Array.of(5, 255));
      return;
    }
    client.write(Uint8Array.of(5, 2));
    client.once("data", (bytes) => {
      const [, length = 0] = bytes;
      const name = bytes.subarray(2, 2 + length).toString();
      const password = bytes.subarray(3 + length).toString();
      const isRight = `${name}:${password}` === credentials;
      client.write(Uint8Array.of(1, isRight ? 0 : 1));
      if (!isRight) return void client.end();
      client.once("data", (bytes) => connectBySocks(client, bytes));
    });
  }

  function connectBySocks(client: net.Socket, bytes: Buffer): void {
    const [host, at] = bytes[3] === 1 ? [bytes.subarray(4, 8).join("."), 8] : [
      bytes.subarray(5, 5 + (bytes[4] ?? 0)).toString(),
      5 + (bytes[4] ?? 0),
    ];
    const port = bytes.readUInt16BE(at);
    asked.push(`SOCKS ${host}:${port}`);
    const reply = granted ?? Uint8Array.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0);
    join(client, host, port, () => client.write(reply));
  }

  const secureContext = secrets && tls.createSecureContext(secrets);
  const server = net.createServer((raw) => {
    open(raw);
    const client = secureContext
      ? open(new tls.TLSSocket(raw, { isServer: true, secureContext }))
      : raw;
    client.once("data", (bytes) => {
      if (bytes[0] === 5) serveSocks(client, bytes);
      else serveHttp(client, bytes.toString("latin1"));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as net.AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    asked,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
