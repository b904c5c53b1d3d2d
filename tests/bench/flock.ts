/**
 * Connects many clients to a port of this machine, and prints when messages
 * come, in milliseconds since the epoch. Clients that read them, too, would
 * take longer for that than the server for telling all.
 */

const [port = 0, count = 0] = Deno.args.map(Number);
/** How often is told what came, in milliseconds: seldom, not to be in the way. */
const TELL_EVERY = 1_000;

const HANDSHAKE = [
  "GET / HTTP/1.1",
  "Host: localhost",
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "",
  "",
].join("\r\n");

async function connect(): Promise<Deno.Conn> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(new TextEncoder().encode(HANDSHAKE));
  return connection;
}

/** The end of what a server answers to a handshake. */
const WELCOME = [..."\r\n\r\n"].map((sign) => sign.charCodeAt(0));

let arrivals: number[] = [];

/** Notes the end of each message; all of the server's are of one frame. */
async function watch(connection: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(128 * 1024);
  let welcome = 0;
  const head: number[] = [];
  let left = 0;
  for (;;) {
    const count = await connection.read(buffer).catch(() => null);
    if (count === null) return;
    for (let at = 0; at < count;) {
      if (welcome < WELCOME.length) {
        welcome = buffer[at++] === WELCOME[welcome] ? welcome + 1 : 0;
        continue;
      }
      if (left === 0) {
        head.push(buffer[at++] ?? 0);
        left = lengthIn(head);
        if (left > 0) head.length = 0;
        continue;
      }
      const skipped = Math.min(left, count - at);
      at += skipped;
      left -= skipped;
      if (left === 0) arrivals.push(performance.timeOrigin + performance.now());
    }
  }
}

/** The length of a frame, RFC 6455, section 5.2; 0 until its head is whole. */
function lengthIn([, short, ...long]: readonly number[]): number {
  if (short === undefined || short < 126) return short ?? 0;
  if (long.length < (short === 126 ? 2 : 8)) return 0;
  return long.reduce((length, byte) => length * 256 + byte, 0);
}

for (let n = 0; n < count; n++) watch(await connect());
console.log("connected");
setInterval(() => {
  console.log(arrivals.join("\n"));
  arrivals = [];
}, TELL_EVERY);
