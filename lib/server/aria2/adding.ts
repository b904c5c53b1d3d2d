/** Adds what aria2's clients ask for: URIs, and the files of Metalink documents. */

import type { Coordinator } from "../../coordinator.ts";
import type { DownloadRequest } from "../../download/download.ts";
import { MOST_MIRRORS } from "../../download/fields.ts";
import {
  parseDownload,
  parseUrl,
  type RequestLimits,
} from "../../download/request.ts";
import type { Scope } from "../scopes.ts";
import { RpcError } from "./calls.ts";
import { requestsIn } from "./documents.ts";
import type { Downloads } from "./downloads.ts";
import { gidOf, idWith, isGid } from "./entries.ts";
import { fieldsOf } from "./options.ts";
import type { OptionsInForce } from "./options_in_force.ts";
import {
  integerAt,
  listAt,
  objectAt,
  optional,
  type Params,
  textAt,
  textsOf,
  urlsIn,
} from "./params.ts";

/** What downloads are added with. */
export interface AddingTools {
  readonly coordinator: Coordinator;
  readonly downloads: Downloads;
  readonly optionsInForce: OptionsInForce;
}

/** What adds downloads. */
export interface Adding {
  /**
   * Adds one download: its first URI leads, the others are its mirrors.
   *
   * @returns Its gid.
   * @throws {RpcError | DownloadError} saying why it is not added.
   */
  addUri(params: Params, scope: Scope): Promise<string>;
  /**
   * Adds the files of a Metalink document.
   *
   * @returns Their gids.
   * @throws {RpcError | DownloadError} saying why none is added.
   */
  addMetalink(params: Params, scope: Scope): Promise<string[]>;
}

/** Makes what adds downloads. */
export function createAdding(
  limits: RequestLimits,
  { coordinator, downloads, optionsInForce }: AddingTools,
): Adding {
  /** Gids of downloads that are being added. */
  const taken = new Set<string>();

  async function addAs(
    gid: string,
    request: DownloadRequest,
  ): Promise<string[]> {
    if (taken.has(gid) || downloads.has(gid)) throw noUri();
    taken.add(gid);
    try {
      return await coordinator.add([request], [idWith(gid)]);
    } finally {
      taken.delete(gid);
    }
  }

  /** Moves new downloads, which stay together, to a place in the queue. */
  async function placeAnew(
    ids: readonly string[],
    place: number | undefined,
  ): Promise<void> {
    if (place === undefined) return;
    const added = new Set(ids);
    const line = await downloads.idsInLine();
    const [before] = line.filter((id) => !added.has(id)).slice(place);
    if (before !== undefined) await coordinator.move(ids, { before });
  }

  return {
    async addUri(params, scope) {
      const uris = textsOf(listAt(params, 0));
      const given = optional(objectAt, params, 1) ?? {};
      const position = optional(placeAt, params, 2);
      if (uris.length === 0) throw new RpcError("URI is not provided.");
      const inForce = optionsInForce.ofNew(given, scope);
      const [url = "", ...others] = usable(uris, limits.urlLength);
      const mirrors = others.slice(0, MOST_MIRRORS);
      const fields = fieldsOf(inForce, url);
      const kept = { options: inForce };
      const request = {
        ...parseDownload({ ...fields, mirrors }, limits),
        kept,
      };
      const gid = gidIn(given.gid);
      const [id = ""] = gid === null
        ? await coordinator.add([request])
        : await addAs(gid, request);
      await placeAnew([id], position);
      return gidOf(id);
    },
    async addMetalink(params, scope) {
      const text = textAt(params, 0);
      const given = optional(objectAt, params, 1) ?? {};
      const position = optional(placeAt, params, 2);
      const inForce = optionsInForce.ofNew(given, scope);
      const kept = { options: inForce };
      const requests = await requestsIn(text, inForce, limits);
      const ids = await coordinator.add(
        requests.map((request) => ({ ...request, kept })),
      );
      await placeAnew(ids, position);
      return ids.map(gidOf);
    },
  };
}

/** A place in the queue, counted from 0. */
function placeAt(params: Params, at: number): number {
  const place = integerAt(params, at);
  if (place >= 0) return place;
  throw new RpcError("Position must be greater than or equal to 0.");
}

/** The gid that is asked for; null if none is. */
function gidIn(given: unknown): string | null {
  if (typeof given !== "string") return null;
  if (!isGid(given)) throw noUri();
  return given.toLowerCase();
}

function noUri(): RpcError {
  return new RpcError("No URI to download.");
}

/**
 * The URIs that can be fetched.
 *
 * @throws {RpcError | DownloadError} if there is none, saying why of the first.
 */
function usable(uris: readonly string[], longest: number): string[] {
  const found = urlsIn(uris, longest);
  if (found.length > 0) return found;
  // aria2 takes these, and so its words would be none for them.
  const taken = uris.find((uri) => /^(https?|ftp|sftp|magnet):/i.test(uri));
  if (taken !== undefined) parseUrl(taken, longest);
  throw noUri();
}
