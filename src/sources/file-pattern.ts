/** Whether a name in `files` stands for every path it matches. */
export function isPattern(name: string): boolean {
  return /[*?]/.test(name);
}

/**
 * Whether a whole path matches a pattern as huggingface_hub's `allow_patterns` do: `*` is any run of characters, across
 * folders too, and `?` any one. Only the last `*` is ever gone back to, so time is at most pattern times path.
 */
export function matchesPattern(pattern: string, path: string): boolean {
  const wanted = Array.from(pattern);
  const given = Array.from(path);
  let at = 0;
  let star: { after: number; until: number } | undefined;
  for (let i = 0; i < given.length;) {
    if (wanted[at] === '*') {
      star = { after: ++at, until: i };
    } else if (wanted[at] === '?' || wanted[at] === given[i]) {
      at++;
      i++;
    } else if (star !== undefined) {
      at = star.after;
      i = ++star.until;
    } else {
      return false;
    }
  }
  return wanted.slice(at).every((one) => one === '*');
}
