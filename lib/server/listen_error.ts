/** Why a server cannot listen where its settings say. */

import { errorMessage } from "../base/error_message.ts";

/** Settings with which nothing can listen; the message says what to mend. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}

/** Where a server is to listen. */
interface Place {
  /** A host name or an IP address. */
  readonly host: string;
  readonly port: number;
}

/**
 * What the system said about a place, in one line that says what to do. A port
 * that is taken is no wrong setting, and is left as it is.
 */
export function listenError(error: unknown, place: Place): unknown {
  const isOther = error instanceof Deno.errors.AddrInUse ||
    error instanceof Deno.errors.NotCapable;
  return isOther
    ? error
    : new ListenError(faultOf(error, place), { cause: error });
}

function faultOf(error: unknown, { host, port }: Place): string {
  const text = errorMessage(error);
  if (error instanceof URIError) {
    return `HOST must be a host name or an IP address, not "${host}".`;
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return `PORT cannot be ${port}: the system leaves it to root. Choose one ` +
      "from 1024 on with --port, or have a reverse proxy listen on it.";
  }
  const place = `HOST cannot be ${host}: `;
  const advice = "Choose an address of this machine, or :: for all of them.";
  if (/lookup/.test(text)) {
    return `${place}no address is known by this name. ${advice}`;
  }
  // An address that counts in one network only is called invalid.
  const isForeign = error instanceof Deno.errors.AddrNotAvailable ||
    /os error 22/.test(text);
  return isForeign
    ? `${place}this machine cannot listen on that address. ${advice}`
    : `${place}${text}. ${advice}`;
}
