/** How many columns of a terminal a text takes, and texts of a given width. */

import { UNPRINTABLE } from "../../base/unprintable.ts";

/** A foreign text as one line, without what a terminal obeys. */
export function printable(text: string): string {
  return text.toWellFormed().replace(UNPRINTABLE, "\ufffd");
}

/** East Asian Wide and Fullwidth, Unicode TR 11, in blocks; not emoji. */
const WIDE =
  /[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18dff}\u{1aff0}-\u{1b2ff}\u{20000}-\u{3fffd}]/u;
const EMOJI = /\p{Emoji_Presentation}|\ufe0f/u;
/** Marks that combine with what is before them, and formats without shape. */
const NO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}\u1160-\u11ff]*$/u;
/** Texts that have one column for each character. */
const PLAIN = /^[\x20-\x7e\u2010-\u2027\u2500-\u259f]*$/;

/** Made at its first use: to make it takes longer than to fetch a small file. */
let segmenter: Intl.Segmenter | undefined;

function graphemesOf(text: string): Iterable<{ segment: string }> {
  segmenter ??= new Intl.Segmenter(undefined, { granularity: "grapheme" });
  return segmenter.segment(text);
}

/** How many columns a printable text takes. */
export function widthOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  return [...graphemesOf(text)]
    .reduce((sum, { segment }) => sum + widthOfGrapheme(segment), 0);
}

function widthOfGrapheme(grapheme: string): number {
  if (EMOJI.test(grapheme) || WIDE.test(grapheme)) return 2;
  return NO_WIDTH.test(grapheme) ? 0 : 1;
}

/** At most `width` columns of a text; what is left out becomes `…`. */
export function clip(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = "";
  let left = width - 1;
  if (left < 0) return "";
  for (const { segment } of graphemesOf(text)) {
    left -= widthOfGrapheme(segment);
    if (left < 0) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** A text in lines of at most `width` columns, parted between its words. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    const longer = `${last} ${word}`;
    if (last === undefined || widthOf(longer) > width) {
      lines.push(clip(word, width));
    } else lines[lines.length - 1] = longer;
  }
  return lines;
}

/** Exactly `width` columns: clipped, or filled up with spaces behind. */
export function fit(text: string, width: number): string {
  const clipped = clip(text, width);
  return clipped + " ".repeat(Math.max(0, width - widthOf(clipped)));
}
