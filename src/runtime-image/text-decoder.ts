/** Turns tokens into text. `before` are the tokens ahead of them, which decide about a leading space. */
export type Detokenize<Token> = (tokens: readonly Token[], before: readonly Token[]) => string;

const replacement = '\uFFFD';

/** A character has at most four bytes; tokens of single bytes beyond this many will not complete one. */
const longestWait = 8;

/**
 * Decodes a stream of tokens. A token may carry a part of a UTF-8 character: text is handed out only up to where
 * characters are whole, so that no piece of a stream has broken text in it.
 */
export function textDecoder<Token>(detokenize: Detokenize<Token>, prompt: readonly Token[]) {
  let before = prompt.slice(-4);
  let pending: Token[] = [];
  return {
    /** The text that became whole with this token, often none. */
    push(token: Token): string {
      pending.push(token);
      const text = detokenize(pending, before);
      if (text.endsWith(replacement) && pending.length < longestWait) return '';
      return this.take(text);
    },
    /** What never became whole, with a replacement character in it, once no more tokens come. */
    rest(): string {
      return pending.length === 0 ? '' : this.take(detokenize(pending, before));
    },
    take(text: string): string {
      before = [...before, ...pending].slice(-4);
      pending = [];
      return text;
    },
  };
}
