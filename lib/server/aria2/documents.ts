/** Metalink documents that aria2's clients send, and what of them is wanted. */

import { decodeText } from "../../base/decode_text.ts";
import { DownloadError } from "../../download/errors.ts";
import type { DownloadRequest } from "../../download/download.ts";
import { parseDownload, type RequestLimits } from "../../download/request.ts";
import {
  fieldsOfFile,
  type MetalinkFile,
  readMetalink,
} from "../../origin/metalink.ts";
import { RpcError } from "./calls.ts";
import { fieldsOf, type Options, selected } from "./options.ts";

/**
 * A request for each file that a document tells of and `select-file` takes.
 *
 * @param text The document in base64.
 * @throws {RpcError | DownloadError} saying what is wrong with the document, or
 * with one of its files: then none is asked for.
 */
export async function requestsIn(
  text: string,
  options: Options,
  limits: RequestLimits,
): Promise<DownloadRequest[]> {
  const files = await readMetalink(decode(text));
  return selected(files, options)
    .map((file) => requestFor(file, options, limits));
}

function decode(text: string): string {
  try {
    return decodeText(Uint8Array.fromBase64(text));
  } catch {
    throw new RpcError(
      "The Metalink document is not in base64: send the whole file so encoded.",
    );
  }
}

/** As at aria2, a name and a checksum are the document's to tell. */
function requestFor(
  file: MetalinkFile,
  { out: _, checksum: __, ...rest }: Options,
  limits: RequestLimits,
): DownloadRequest {
  const [url] = file.urls;
  const given = fieldsOf(rest, url);
  const fields = { ...given, ...fieldsOfFile(file, given.directory) };
  try {
    return parseDownload(fields, limits);
  } catch (error) {
    if (!(error instanceof DownloadError) || file.name === null) throw error;
    throw new RpcError(`${JSON.stringify(file.name)}: ${error.message}`);
  }
}
