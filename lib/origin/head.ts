/** The head of an answer. */

/** An answer, by whomever its head was read. */
export type HttpAnswer = Pick<Response, "status" | "headers" | "body">;

/** The head of an answer, and the paths that led to it. */
export interface Head {
  readonly status: number;
  readonly headers: Headers;
  /**
   * What the file is called: the last segments of the path that was asked for
   * and of the one that gave it, and the name in Content-Disposition.
   */
  readonly names: readonly string[];
  /** Whether it may be a proxy's own. */
  readonly isRelayed: boolean;
}
