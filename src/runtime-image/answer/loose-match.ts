/**
 * Compares text with a marker, blanks aside: models write `{"name":"x"` where their template has `{"name": "x"`.
 * @returns where the marker ends in the text; `partial` where the text ends before the marker does; undefined where
 *   they differ
 */
export function looseMatch(text: string, at: number, marker: string): number | 'partial' | undefined {
  let position = at;
  for (const wanted of marker) {
    if (isBlank(wanted)) continue;
    while (position < text.length && isBlank(text.charAt(position))) position++;
    if (position >= text.length) return 'partial';
    if (!text.startsWith(wanted, position)) return undefined;
    position += wanted.length;
  }
  return position;
}

export interface Found {
  /** Which of the markers; the first of those that begin at one place. */
  marker: number;
  /** Where it begins and ends. */
  start: number;
  end: number;
}

/**
 * The first marker in the text, or how much of the text may be shown before one can still begin.
 * @param markers none of them blank
 */
export function findLoosely(
  text: string,
  markers: readonly string[],
): Found | { marker?: undefined; safe: number } {
  for (let start = 0; markers.length > 0 && start < text.length; start++) {
    if (isBlank(text.charAt(start))) continue;
    const matches = markers.map((marker) => looseMatch(text, start, marker));
    const marker = matches.findIndex((match) => typeof match === 'number');
    // A longer one that begins here may be on its way.
    if (matches.includes('partial')) return { safe: start };
    const end = matches[marker];
    if (typeof end === 'number') return { marker, start, end };
  }
  return { safe: text.length };
}

export const isBlank = (character: string) => character.trim() === '';
