/** What the log says of the events of downloads. */

import type { Fields, Log } from "../base/log.ts";
import type { DownloadEvent, Tell } from "../download/events.ts";
import { loggable } from "../origin/request.ts";
import { limitsStatusOf, timetableStatusOf } from "./status.ts";

/** Writes a line for each event that operators want to know of. */
export function createEventLog(log: Log): Tell {
  return (event) => {
    const fields = fieldsOf(event);
    if (fields !== null) log(event.kind, fields);
  };
}

/** Null for what happens too often to be of interest. */
function fieldsOf(event: DownloadEvent): Fields | null {
  switch (event.kind) {
    case "started":
    case "wrote":
    case "changed":
    case "reordered":
    case "room":
      return null;
    case "added":
    case "diverted":
      return { id: event.id, url: loggable(event.url) };
    case "answered": {
      const { id, file: { name, size, ranges } } = event;
      return { id, name, size, ranges };
    }
    case "setback": {
      const { id, error: { code, message }, failures, wait } = event;
      return { id, code, message, failures, wait };
    }
    case "verified": {
      const { id, bytes, lost } = event;
      return { id, bytes, lost };
    }
    case "downloaded": {
      const { id, download: { file } } = event;
      return { id, name: file?.name, size: file?.size };
    }
    case "paused":
    case "failed": {
      const { id, download: { state } } = event;
      const { code, message } = ("error" in state ? state.error : null) ?? {};
      return { id, code, message };
    }
    case "stuck":
    case "leftover": {
      const { id, error: { code, message } } = event;
      return { id, code, message };
    }
    case "timetable": {
      const { holds, limit_rate, until } = timetableStatusOf(event.held);
      return { holds, limit_rate, until };
    }
    case "limits":
      return Object.fromEntries(
        Object.entries(limitsStatusOf(event.limits))
          .map(([name, most]) => [name, most ?? "none"]),
      );
    case "unread":
    case "gone":
      return { message: event.error.message };
    case "restarted":
    case "limited":
    case "prioritized":
    case "moved":
    case "resumed":
    case "retried":
    case "refreshed":
    case "relocated":
    case "removed":
      return { id: event.id };
  }
}
