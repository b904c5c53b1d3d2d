// @ts-check
/// <reference lib="dom" />
/** The socket to the server, which comes back by itself. */

/** @import { RequestId, ServerMessage } from "../messages.ts" */
/** @import { Frame } from "./model.js" */
import { say } from "./words.js";

/**
 * @typedef {{ kind: "connecting" }
 *   | { kind: "open" }
 *   | { kind: "waiting", until: number }} ConnectionState
 *
 * @typedef {Exclude<ServerMessage, { error: object }>} Reply
 *
 * @typedef {object} Connection
 * @property {() => ConnectionState} state
 * @property {(message: object) => Promise<Reply>} request
 * Rejects with the server's words, or if the connection ends before it answers.
 * @property {() => void} reconnect Tries at once what it would try later.
 */

const SHORTEST_WAIT = 500;
const LONGEST_WAIT = 15_000;
/** A server that is silent for longer once asked is gone, in milliseconds. */
const PATIENCE = 20_000;
/** A server that has told nothing for longer is asked, in milliseconds ... */
const QUIET = 30_000;
/** ... or for this long, while it owes an answer. */
const QUIET_OWING = 8_000;

/**
 * How long to wait before the next attempt, in milliseconds: longer each time,
 * and not all pages at once.
 *
 * @param {number} failures How many attempts in a row have failed; from 1.
 * @param {number} random From 0 to 1.
 */
export function waitAfter(failures, random) {
  const longest = Math.min(LONGEST_WAIT, SHORTEST_WAIT * 2 ** (failures - 1));
  return Math.round(longest * (1 + random) / 2);
}

/** What the server answered to a request, if it was no. */
export class RequestError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/**
 * Connects, and stays so.
 *
 * @param {{
 *   url: string,
 *   hear: (frame: Frame) => void,
 *   changed: () => void,
 *   refused: () => void,
 * }} options `refused`: an attempt came to nothing, maybe for want of a login.
 * @returns {Connection}
 */
export function connect({ url, hear, changed, refused }) {
  /** @type {ConnectionState} */
  let state = { kind: "connecting" };
  /** @type {WebSocket} */
  let socket;
  /** Resolves when the attempt under way has come to something, or nothing. */
  let attempt = Promise.withResolvers();
  let failures = 0;
  let lastId = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let quiet;
  /** @type {Map<RequestId, PromiseWithResolvers<Reply>>} */
  const waiting = new Map();

  function open() {
    clearTimeout(timer);
    attempt = Promise.withResolvers();
    become({ kind: "connecting" });
    socket = new WebSocket(url);
    quiet = setTimeout(giveUp, PATIENCE);
    socket.onopen = () => {
      failures = 0;
      listen();
      become({ kind: "open" });
      attempt.resolve(undefined);
    };
    socket.onmessage = ({ data }) => receive(JSON.parse(data));
    socket.onclose = closed;
  }

  /**
   * From now on, something has to come. A command may take minutes, as that of a
   * file whose checksum is being made: the server is there if it says anything.
   */
  function listen() {
    clearTimeout(quiet);
    quiet = setTimeout(() => {
      socket.send(JSON.stringify({ action: "ping", request_id: ++lastId }));
      quiet = setTimeout(giveUp, PATIENCE);
    }, waiting.size > 0 ? QUIET_OWING : QUIET);
  }

  /** A browser would wait for the server's part in closing, for minutes. */
  function giveUp() {
    socket.onmessage = socket.onclose = null;
    socket.close();
    closed();
  }

  function closed() {
    clearTimeout(quiet);
    if (state.kind === "connecting") refused();
    failures++;
    for (const { reject } of waiting.values()) {
      reject(new RequestError("NOT_CONNECTED", say("connection.lost")));
    }
    waiting.clear();
    const wait = waitAfter(failures, Math.random());
    timer = setTimeout(open, wait);
    become({ kind: "waiting", until: performance.now() + wait });
    attempt.resolve(undefined);
  }

  /** @param {ConnectionState} next */
  function become(next) {
    state = next;
    changed();
  }

  /** @param {ServerMessage} message */
  function receive(message) {
    const { request_id: id } = message;
    const request = id === undefined ? undefined : waiting.get(id);
    if (id !== undefined) waiting.delete(id);
    listen();
    if (request === undefined) {
      if ("data" in message && isList(message)) hear(message);
      return;
    }
    if ("error" in message) {
      const { code, message: text } = message.error;
      request.reject(new RequestError(code, text));
    } else request.resolve(message);
  }

  /**
   * @param {object} message
   * @returns {Promise<Reply>}
   */
  async function request(message) {
    if (state.kind === "connecting") await attempt.promise;
    if (state.kind !== "open") {
      throw new RequestError("NOT_CONNECTED", say("connection.none"));
    }
    const id = ++lastId;
    /** @type {PromiseWithResolvers<Reply>} */
    const answer = Promise.withResolvers();
    waiting.set(id, answer);
    if (waiting.size === 1) listen();
    socket.send(JSON.stringify({ ...message, request_id: id }));
    return await answer.promise;
  }

  open();
  return {
    state: () => state,
    request,
    reconnect() {
      if (state.kind === "waiting") open();
    },
  };
}

/**
 * Whether a reply is a page of the list, or what the server tells by itself.
 *
 * @param {Reply} reply
 * @returns {reply is Extract<Reply, { data: readonly object[] }>}
 */
export function isList(reply) {
  return Array.isArray(reply.data);
}
