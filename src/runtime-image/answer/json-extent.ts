/**
 * Follows a JSON object or array through pieces of text, to where it is closed. It looks at brackets and strings only.
 */
export class JsonExtent {
  #depth = 0;
  #inString = false;
  #escaped = false;

  /** How many characters of the text belong to the value, and whether it ends there. */
  push(text: string): { length: number; closed: boolean } {
    for (let i = 0; i < text.length; i++) {
      if (this.#closes(text.charAt(i))) return { length: i + 1, closed: true };
    }
    return { length: text.length, closed: false };
  }

  #closes(character: string): boolean {
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false;
      else if (character === '\\') this.#escaped = true;
      else if (character === '"') this.#inString = false;
      return false;
    }
    if (character === '"') this.#inString = true;
    else if (character === '{' || character === '[') this.#depth++;
    else if (character === '}' || character === ']') return --this.#depth === 0;
    return false;
  }
}
