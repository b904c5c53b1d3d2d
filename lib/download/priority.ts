/** Which of the downloads that wait begin first. Pure. */

/** Which of those that wait begin first, the first ones first. */
export const PRIORITIES = ["high", "normal", "low"] as const;

/** One of {@linkcode PRIORITIES}. */
export type Priority = typeof PRIORITIES[number];
