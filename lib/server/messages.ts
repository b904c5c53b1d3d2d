/** The messages that a server sends, as types: programs need no more of it. */

import type { JsonObject } from "../base/json.ts";
import type { Verified } from "../download/checksum.ts";
import type { ErrorCode } from "../download/error_codes.ts";
import type {
  Disk,
  LimitsStatus,
  NodeStatus,
  Status,
  TimetableStatus,
  Totals,
} from "../status/schema.ts";

/** Why a download was left as it was. */
export interface Refusal {
  readonly id: string;
  readonly code: ErrorCode;
  readonly message: string;
}

/** What has become of a command for many downloads. */
export interface ManyDone {
  /** How many downloads it was carried out on. */
  readonly done: number;
  /** How many were left as they were, such as those in another state. */
  readonly left: number;
  /** The first of those. */
  readonly refused: readonly Refusal[];
}

/** A download in a list. */
export interface ListedStatus extends Status {
  /** What was asked for, in the fields of a request, if it is wanted. */
  readonly request?: JsonObject;
}

/** What is told of. */
export type HookEvent = "finished" | "failed" | "idle";

/** What has become of telling one event. */
export interface Delivery {
  readonly event: HookEvent;
  /** The download's; null for `idle`. */
  readonly id: string | null;
  /** The name of the download's file; null for `idle`, or if it is not known. */
  readonly filename: string | null;
  /** When it came to its end, in ISO 8601. */
  readonly at: string;
  readonly tries: number;
  /** Whether it was taken. */
  readonly delivered: boolean;
  /** The last answer's status; null if there was none. */
  readonly status: number | null;
  /** Why there was no answer; null if there was one. */
  readonly code: ErrorCode | null;
}

/** What a client may give with a request, to find the reply by. */
export type RequestId = string | number;

/** Anything that a socket is sent. */
export type ServerMessage =
  | {
    readonly data: readonly ListedStatus[];
    /** How many downloads there are of each process status. */
    readonly totals?: Totals;
    /** Ids of downloads that are not there any more. */
    readonly removed?: readonly string[];
    /** What waits begins in another order than before. */
    readonly reordered?: boolean;
    /** The content directory's disk; absent before it was looked at. */
    readonly disk?: Disk | undefined;
    /** What the timetable says now; absent where there is none. */
    readonly timetable?: TimetableStatus | undefined;
    /** What limits all downloads together, besides a timetable. */
    readonly limits?: LimitsStatus;
    /** These replace all that the client knows: it may have missed changes. */
    readonly snapshot?: true;
    /** On a reply to `list`: how many downloads there are on all pages. */
    readonly total?: number;
    readonly offset?: number;
    readonly request_id?: RequestId;
  }
  | {
    readonly data: {
      readonly message: string;
      readonly id?: string;
      readonly ids?: readonly string[];
    };
    readonly request_id?: RequestId;
  }
  | {
    readonly data: { readonly message: string } & LimitsStatus;
    readonly request_id?: RequestId;
  }
  | {
    readonly data: {
      readonly message: string;
      readonly nodes: readonly NodeStatus[];
    };
    readonly request_id?: RequestId;
  }
  | {
    readonly data: {
      readonly message: string;
      /** The latest first; null where there is no webhook. */
      readonly deliveries: readonly Delivery[] | null;
    };
    readonly request_id?: RequestId;
  }
  | {
    readonly data: {
      readonly message: string;
      readonly proxies: readonly string[];
    };
    readonly request_id?: RequestId;
  }
  | {
    readonly data: { readonly message: string; readonly id: string } & Verified;
    readonly request_id?: RequestId;
  }
  | {
    readonly data: { readonly message: string } & ManyDone;
    readonly request_id?: RequestId;
  }
  | {
    readonly error: { readonly code: ErrorCode; readonly message: string };
    readonly request_id?: RequestId;
  };
