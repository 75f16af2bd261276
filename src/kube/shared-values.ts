/** So many values are remembered, each in the one place that its hash names: what comes later takes the place. */
const places = 2 ** 12;
/** Longer strings are seldom equal to another. */
const longest = 1024;

/**
 * Has objects hold one copy of what is equal in them: strings, and lists and objects with all that they hold. Objects of
 * a cluster say the same over and over (conditions, containers and their probes, labels, images), and JSON.parse makes
 * each anew: half of what a cache of pods needs. What has gone through must never be changed: it may be a part of others.
 * @returns what replaces the parts of a value by their copies, in place.
 */
export function valueSharing(): (value: object) => void {
  const copies = Array.from<unknown>({ length: places });

  function copyOf<T>(value: T, hash: number, isEqual: (copy: unknown, value: T) => boolean): T {
    const place = (hash ^ (hash >>> 16)) & (places - 1);
    const copy = copies[place];
    if (isEqual(copy, value)) return copy as T;
    copies[place] = value;
    return value;
  }

  /** @returns a hash of the value: equal ones have equal hashes. */
  function share(value: object): number {
    const members = value as Record<string, unknown>;
    let hash = 0;
    for (const name of Object.keys(members)) {
      const member = members[name];
      let ofMember: number;
      if (typeof member === 'string') {
        ofMember = hashOf(member);
        if (member.length <= longest) members[name] = copyOf(member, ofMember, Object.is);
      } else if (typeof member === 'object' && member !== null) {
        ofMember = share(member);
        members[name] = copyOf(member, ofMember, holdsTheSame);
      } else ofMember = Number(member);
      hash = Math.imul(hash ^ ofMember, prime) ^ name.length;
    }
    return hash;
  }
  return share;
}

/** FNV-1a: http://www.isthe.com/chongo/tech/comp/fnv/ */
const prime = 0x01000193;

function hashOf(text: string): number {
  let hash = text.length;
  const end = Math.min(text.length, longest);
  for (let i = 0; i < end; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), prime);
  return hash;
}

/** Of two whose parts are shared already: the parts that are equal are the same. */
function holdsTheSame(one: unknown, other: object): boolean {
  if (typeof one !== 'object' || one === null || Array.isArray(one) !== Array.isArray(other)) return false;
  const [members, others] = [one as Record<string, unknown>, other as Record<string, unknown>];
  const names = Object.keys(others);
  return (
    Object.keys(members).length === names.length &&
    names.every((name) => Object.hasOwn(members, name) && Object.is(members[name], others[name]))
  );
}
