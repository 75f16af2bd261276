/** What a server asks for with a 401. */
export interface Challenge {
  /** In lower case, e.g. `bearer`. */
  readonly scheme: string;
  /** By their names in lower case. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** A word, and what is assigned to it, if it is a parameter and no scheme. */
const word = /[\s,]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?/y;

/** Reads `WWW-Authenticate`, which may come several times and hold several challenges each: RFC 9110, 11.6.1. */
export function parseChallenges(headers: string | readonly string[] | undefined): Challenge[] {
  return [headers ?? []].flat().flatMap((text) => {
    const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
    word.lastIndex = 0;
    for (let match = word.exec(text); match !== null; match = word.exec(text)) {
      const [, name = '', quoted, bare] = match;
      const value = quoted?.replace(/\\(.)/g, '$1') ?? bare;
      if (value === undefined) challenges.push({ scheme: name.toLowerCase(), parameters: {} });
      else Object.assign(challenges.at(-1)?.parameters ?? {}, { [name.toLowerCase()]: value });
    }
    return challenges;
  });
}
