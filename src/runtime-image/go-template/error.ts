/** A template that cannot be read or evaluated here; the message begins with where in it. */
export class GoTemplateError extends Error {
  override readonly name = 'GoTemplateError';
  /** @param at characters of `source` before the place */
  constructor(source: string, at: number, problem: string, cause?: unknown) {
    const before = source.slice(0, at).split('\n');
    const column = (before.at(-1) ?? '').length + 1;
    super(`line ${before.length}, column ${column}: ${problem}`, { cause });
  }
}
