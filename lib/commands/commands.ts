/**
 * Carries out what clients say of a download, in one place: its transfer is
 * brought to rest first, unless the command leaves its threads going.
 */

import { createInOrder } from "../base/in_order.ts";
import { type Command, refuseUnlessAllowed } from "../download/download.ts";
import { unknownId } from "../download/errors.ts";
import type { Engine } from "../engine/engine.ts";
import type { Claim, Queue } from "../store/queue.ts";
import { adjust, type AdjustmentTools, isAdjustment } from "./adjustments.ts";
import {
  type AtRestTools,
  carryOutAtRest,
  type FellowMovers,
} from "./at_rest.ts";

/** The servers that may work on a download. */
export interface Workplaces {
  /**
   * Has a command carried out where its download is worked on: here, or by
   * another server.
   */
  carryOut(
    id: string,
    command: Command,
    here: () => Promise<void>,
  ): Promise<void>;
  /**
   * Looks whether a command on a download that is claimed here can be carried out
   * here: it may have been finished by another server since it was looked up.
   *
   * @throws what has {@linkcode carryOut} look again where it is to be done.
   */
  refuseElsewhere(id: string, command: Command): void;
  /** Resolves once a download is known here that another server has just added. */
  heardOf(id: string): Promise<void>;
}

/** What commands are carried out with. */
export interface CommandTools extends AdjustmentTools, AtRestTools {
  readonly catalogue: AdjustmentTools["catalogue"] & AtRestTools["catalogue"];
  readonly queue: Pick<Queue, "claim" | "reset">;
  readonly engine: Pick<Engine, "fill" | "get" | "rest" | "reword">;
  /** Absent where no other server has the same queue. */
  readonly peers?: (FellowMovers & Workplaces) | undefined;
}

/** Carries out commands: those on one download one after another. */
export interface Commands {
  /**
   * Does to a download what a client says; resolves when it is done.
   *
   * @throws {DownloadError} UNKNOWN_ID or WRONG_STATE; STATE, DISK or DISK_FULL
   * if the download's record or file cannot be changed; FILE_GONE if a download
   * was removed, and its file was not there to be deleted.
   */
  command(id: string, command: Command): Promise<void>;
  /**
   * The same for another server: the download is worked on here, or nowhere.
   *
   * @param begin Called when it is the command's turn; returns null if the command
   * comes too late by then.
   * @returns Whether it was carried out.
   */
  obey(
    id: string,
    command: Command,
    begin: () => Disposable | null,
  ): Promise<boolean>;
  /** Whether a command on a download is being carried out. */
  isBusy(id: string): boolean;
  /** Resolves once all that was asked for until now is over. */
  settled(): Promise<unknown>;
  /** The same, of one download. */
  settledFor(id: string): Promise<unknown>;
}

/** Makes what carries out commands. */
export function createCommands(tools: CommandTools): Commands {
  /** Commands of this server's clients, until here or elsewhere they are over. */
  const asked = createInOrder();
  /**
   * Commands that this server carries out, its clients' and other servers'. It
   * obeys a server whose answer it waits for: else two that ask each other would
   * wait for each other.
   */
  const atWork = createInOrder();
  return {
    command: (id, command) =>
      asked.run(id, () => {
        const here = () => atWork.run(id, () => carryOut(id, command, tools));
        return tools.peers?.carryOut(id, command, here) ?? here();
      }),
    obey: (id, command, begin) =>
      atWork.run(id, async () => {
        using begun = begin();
        if (begun === null) return false;
        await carryOut(id, command, tools);
        return true;
      }),
    isBusy: (id) => asked.has(id) || atWork.has(id),
    settled: () => Promise.all([asked.settled(), atWork.settled()]),
    settledFor: (id) =>
      Promise.all([asked.settledFor(id), atWork.settledFor(id)]),
  };
}

async function carryOut(
  id: string,
  command: Command,
  tools: CommandTools,
): Promise<void> {
  if (isAdjustment(command)) return await adjust(id, command, tools);
  const claim = await bringToRest(id, command, tools);
  try {
    refuseUnlessAllowed(command, claim.download.state);
    tools.peers?.refuseElsewhere(id, command);
    await carryOutAtRest(command, claim.download, tools);
  } finally {
    claim.release();
    tools.engine.fill();
  }
}

/** The claim on a download that no thread works on, for a command. */
async function bringToRest(
  id: string,
  command: Command,
  tools: Pick<CommandTools, "engine" | "queue">,
): Promise<Claim> {
  const { engine, queue } = tools;
  const transfer = engine.get(id);
  if (transfer !== undefined) {
    refuseUnlessAllowed(command, transfer.download.state);
    const bytes = command.kind === "remove" ? "drop" : "keep";
    const claim = await engine.rest(id, bytes);
    if (claim !== null) return claim;
  }
  // A transfer that comes to another end may be followed by a new one.
  const claiming = queue.claim(id);
  // One process answers at once, and nothing else happens meanwhile.
  const claim = claiming instanceof Promise ? await claiming : claiming;
  if (claim !== null) return claim;
  if (engine.get(id) !== undefined) {
    return await bringToRest(id, command, tools);
  }
  throw unknownId();
}
