/** A member of `asked` that `there` has another value for, as a path such as `source.huggingFace.revision`; undefined: none. */
export function differenceOf(asked: unknown, there: unknown, path = ''): string | undefined {
  if (typeof asked !== 'object' || asked === null) return asked === there ? undefined : path;
  if (typeof there !== 'object' || there === null) return path;
  if (Array.isArray(asked) && (!Array.isArray(there) || asked.length !== there.length)) return path;
  for (const [name, value] of Object.entries(asked)) {
    const inside = path === '' ? name : `${path}.${name}`;
    const found = differenceOf(value, (there as Record<string, unknown>)[name], inside);
    if (found !== undefined) return found;
  }
  return undefined;
}
