/**
 * What Deno itself takes to tell many clients as much, with nothing of Sluice: a
 * contender that says how much of a figure is the runtime's.
 *
 * `bare_telling.ts LENGTH TICK` sends a text of LENGTH characters to every client
 * each TICK milliseconds, and prints the port that it listens on.
 */

const [length = 0, tick = 0] = Deno.args.map(Number);
/** As Sluice does it: copies for a few clients are still in the CPU's cache. */
const AT_ONCE = 20;

const text = "x".repeat(length);
const clients = new Set<WebSocket>();

async function tellAll(): Promise<void> {
  let told = 0;
  for (const client of clients) {
    if (client.bufferedAmount === 0) client.send(text);
    if (++told % AT_ONCE === 0) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

const { addr } = Deno.serve({ port: 0, onListen: () => {} }, (request) => {
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.onopen = () => clients.add(socket);
  socket.onclose = () => clients.delete(socket);
  return response;
});
console.log(addr.port);
setInterval(tellAll, tick);
