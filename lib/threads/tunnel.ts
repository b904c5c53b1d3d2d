/** Has a proxy connect to an origin: by CONNECT, or as SOCKS5 has it. */

import { writeAll } from "../base/write_all.ts";
import type { DownloadError } from "../download/errors.ts";
import { basicAuthorization } from "../origin/authentication.ts";
import { noTunnel, proxyWantsName } from "../origin/connection_error.ts";
import { userinfoOf } from "../origin/request.ts";
import {
  BY_NAME,
  connectRequest,
  greeting,
  nameAndPassword,
  NO_NAME,
  restOfReply,
} from "../origin/socks.ts";
import { peerOf } from "./clients.ts";

/** Bytes that the head of a proxy's answer may have. */
const MOST_HEAD = 64 * 1024;

/**
 * Has a proxy connect to a URL's origin: what is written to the connection then
 * comes there.
 *
 * @throws {DownloadError} PROXY if it does not, PROXY_AUTH if it wants to know
 * for whom.
 * @throws what Deno says if the connection to it breaks.
 */
export async function openTunnel(
  connection: Deno.Conn,
  proxy: URL,
  url: URL,
): Promise<void> {
  if (proxy.protocol.startsWith("socks")) {
    await askSocks(connection, proxy, url);
  } else {
    await askToConnect(connection, proxy, url);
  }
}

/** Headers by which a proxy is told for whom it is asked. */
export function headersForProxy(proxy: URL): Record<string, string> {
  const credentials = userinfoOf(proxy);
  if (credentials === null) return {};
  return { "proxy-authorization": basicAuthorization(credentials) };
}

/** RFC 9110 §9.3.6. */
async function askToConnect(
  connection: Deno.Conn,
  proxy: URL,
  url: URL,
): Promise<void> {
  const host = `${url.hostname}:${peerOf(url).port}`;
  const headers = { host, ...headersForProxy(proxy) };
  const lines = Object.entries(headers).map((pair) => `${pair.join(": ")}\r\n`);
  const head = `CONNECT ${host} HTTP/1.1\r\n${lines.join("")}\r\n`;
  await writeAll(connection, new TextEncoder().encode(head));
  const answer = await readHead(connection);
  const [, status] = answer.match(/^HTTP\/\d\.\d +(\d{3})\b/) ?? [];
  if (status === "407") throw proxyWantsName();
  if (status?.startsWith("2") !== true) throw noTunnel();
}

/** An origin says nothing before it is asked: nothing follows the head. */
async function readHead(connection: Deno.Conn): Promise<string> {
  let text = "";
  const buffer = new Uint8Array(4096);
  while (!/\n\r?\n/.test(text)) {
    const length = await connection.read(buffer);
    if (length === null || text.length > MOST_HEAD) throw noTunnel();
    text += new TextDecoder("latin1").decode(buffer.subarray(0, length));
  }
  return text;
}

async function askSocks(
  connection: Deno.Conn,
  proxy: URL,
  url: URL,
): Promise<void> {
  const credentials = userinfoOf(proxy);
  await writeAll(connection, greeting(credentials));
  const [version, method] = await readExactly(connection, 2, noTunnel);
  if (version !== 5) throw noTunnel();
  if (method === BY_NAME && credentials !== null) {
    const shown = nameAndPassword(credentials);
    if (shown === null) throw proxyWantsName();
    await writeAll(connection, shown);
    const [, refused] = await readExactly(connection, 2, proxyWantsName);
    if (refused !== 0) throw proxyWantsName();
  } else if (method !== NO_NAME) throw proxyWantsName();
  const { hostname, port } = peerOf(url);
  const request = connectRequest(hostname, port);
  if (request === null) throw noTunnel();
  await writeAll(connection, request);
  const reply = await readExactly(connection, 5, noTunnel);
  const rest = restOfReply(reply);
  if (rest === null) throw noTunnel();
  await readExactly(connection, rest, noTunnel);
}

/** @param cut The error if the connection ends before. */
async function readExactly(
  connection: Deno.Conn,
  length: number,
  cut: () => DownloadError,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let got = 0; got < length;) {
    const read = await connection.read(bytes.subarray(got));
    if (read === null) throw cut();
    got += read;
  }
  return bytes;
}
