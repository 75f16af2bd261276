/** V8 shares the strings of JSON up to here by itself. */
const shortest = 11;
/** Longer ones are seldom equal to another. */
const longest = 128;
/** Where there are more, most are names and uids: what they push out is soon back. */
const mostStrings = 1024;

/**
 * Has objects hold one copy of strings that are equal. Objects of a cluster say the same words over and over (types and
 * reasons of conditions, images, times), and JSON.parse makes each anew: a third of what a cache of them needs. What is
 * remembered for that is bounded.
 * @returns what replaces the strings in a value by their copies, in place.
 */
export function stringSharing(): (value: object) => void {
  const copies = new Map<string, string>();

  function copyOf(text: string): string {
    if (text.length < shortest || text.length > longest) return text;
    const copy = copies.get(text);
    if (copy !== undefined) return copy;
    if (copies.size === mostStrings) copies.clear();
    copies.set(text, text);
    return text;
  }

  function share(value: object): void {
    const members = value as Record<string, unknown>;
    for (const name of Object.keys(members)) {
      const member = members[name];
      if (typeof member === 'string') members[name] = copyOf(member);
      else if (typeof member === 'object' && member !== null) share(member);
    }
  }
  return share;
}
