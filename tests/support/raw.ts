/** Connections and WebSockets by hand: what the WebSocket API hides. */

import type { ServerMessage } from "../../lib/server/messages.ts";
import type { Sluice } from "./sluice.ts";

const KiB = 1024;

/** Opcodes, RFC 6455 §5.2. */
export const [CONTINUATION, TEXT, CLOSE, PING] = [0, 1, 8, 9] as const;

/** A connection whose every byte is the test's own. */
export interface Raw extends Disposable {
  readonly conn: Deno.TcpConn;
  write(bytes: Uint8Array | string): Promise<void>;
  /** The next bytes; null once the server has ended the connection. */
  read(): Promise<Uint8Array | null>;
  /** Everything until the server ends the connection. */
  rest(): Promise<string>;
}

function addressOf(
  { url }: Pick<Sluice, "url">,
): { hostname: string; port: number } {
  const { hostname, port } = new URL(url);
  return { hostname: hostname.replace(/^\[|\]$/g, ""), port: Number(port) };
}

/** Connects to a server, and sends nothing yet. */
export async function connectRaw(
  sluice: Pick<Sluice, "url">,
): Promise<Raw> {
  const conn = await Deno.connect(addressOf(sluice));
  const buffer = new Uint8Array(256 * KiB);
  async function read(): Promise<Uint8Array | null> {
    try {
      const n = await conn.read(buffer);
      return n === null ? null : buffer.slice(0, n);
    } catch {
      return null; // a reset ends it as well
    }
  }
  return {
    conn,
    read,
    async write(bytes) {
      let left = typeof bytes === "string"
        ? new TextEncoder().encode(bytes)
        : bytes;
      while (left.length > 0) left = left.subarray(await conn.write(left));
    },
    async rest() {
      let text = "";
      for (;;) {
        const bytes = await read();
        if (bytes === null) return text;
        text += new TextDecoder().decode(bytes);
      }
    },
    [Symbol.dispose]: () => conn.close(),
  };
}

/** The headers that ask for a WebSocket, RFC 6455 §4.1. */
export const HANDSHAKE = {
  "Host": "localhost",
  "Upgrade": "websocket",
  "Connection": "Upgrade",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
};

/** The head of a request. */
export function head(headers: Record<string, string>, line = "GET / HTTP/1.1") {
  const lines = Object.entries(headers).map((pair) => pair.join(": "));
  return [line, ...lines, "", ""].join("\r\n");
}

/** A frame of the server's. */
interface Frame {
  readonly opcode: number;
  readonly payload: Uint8Array;
}

/** A WebSocket by hand: it reads when it is told to, and writes anything. */
export interface RawSocket extends Raw {
  /** The status of the answer to the handshake: 101, if it was let in. */
  readonly status: number;
  /** The next frame; null once the server has ended the connection. */
  frame(): Promise<Frame | null>;
  /** The next message; null once there are no more. */
  message(): Promise<ServerMessage | null>;
  send(message: unknown): Promise<void>;
}

/** Connects to a server, and asks for a WebSocket. */
export async function connectRawSocket(
  sluice: Sluice,
  headers: Record<string, string> = {},
): Promise<RawSocket> {
  const raw = await connectRaw(sluice);
  let buffered: Uint8Array = new Uint8Array();
  async function more(): Promise<boolean> {
    const bytes = await raw.read();
    if (bytes === null) return false;
    const joined = new Uint8Array(buffered.length + bytes.length);
    joined.set(buffered);
    joined.set(bytes, buffered.length);
    buffered = joined;
    return true;
  }
  async function take(length: number): Promise<Uint8Array | null> {
    while (buffered.length < length) if (!await more()) return null;
    const taken = buffered.subarray(0, length);
    buffered = buffered.subarray(length);
    return taken;
  }
  async function frame(): Promise<Frame | null> {
    const start = await take(2);
    if (start === null) return null;
    const [first = 0, second = 0] = start;
    let length = second & 127;
    if (length >= 126) {
      const bytes = await take(length === 126 ? 2 : 8);
      if (bytes === null) return null;
      length = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
    }
    const payload = await take(length);
    return payload && { opcode: first & 15, payload };
  }
  await raw.write(head({ ...HANDSHAKE, ...headers }));
  const text = () => new TextDecoder("latin1").decode(buffered);
  while (!text().includes("\r\n\r\n") && await more());
  const status = Number(text().split(" ")[1]);
  buffered = buffered.subarray(text().indexOf("\r\n\r\n") + 4);
  return {
    ...raw,
    status,
    frame,
    async message() {
      for (;;) {
        const next = await frame();
        if (next === null || next.opcode === CLOSE) return null;
        // The server pings a client that has said nothing for a while.
        if (next.opcode !== TEXT) continue;
        return JSON.parse(new TextDecoder().decode(next.payload));
      }
    },
    send: (message) => raw.write(frameOf(TEXT, JSON.stringify(message))),
  };
}

/** A client's frame. Its mask is zero, which leaves the payload as it is. */
export function frameOf(
  opcode: number,
  payload: string | Uint8Array,
  { fin = true, length }: { fin?: boolean; length?: number } = {},
): Uint8Array {
  const body = typeof payload === "string"
    ? new TextEncoder().encode(payload)
    : payload;
  const start = new Uint8Array(14);
  start[0] = (fin ? 128 : 0) | opcode;
  start[1] = 128 | 127;
  new DataView(start.buffer).setBigUint64(2, BigInt(length ?? body.length));
  const bytes = new Uint8Array(start.length + body.length);
  bytes.set(start);
  bytes.set(body, start.length);
  return bytes;
}
