import type { Token } from 'node-llama-cpp';
import type { Drafter } from './drafter.ts';

/** Tokens at the end of the text that have to stand earlier in it as well: with fewer, most finds are chance. */
const patternLength = 3;

/**
 * Looks the end of the text up in the text itself, and proposes what came after it the last time: answers quote their
 * prompts, and themselves. https://github.com/apoorvumang/prompt-lookup-decoding
 */
export const promptLookup: Drafter = {
  async follow() {},
  async propose(text, most) {
    const at = lastEarlier(text);
    return at === undefined ? [] : text.slice(at, at + most);
  },
};

/** Where the text goes on behind the last place at which it has its end already. */
function lastEarlier(text: readonly Token[]): number | undefined {
  const pattern = text.slice(-patternLength);
  if (pattern.length < patternLength) return undefined;
  for (let at = text.length - 1; at >= patternLength; at--) {
    if (pattern.every((token, i) => text[at - patternLength + i] === token)) return at;
  }
  return undefined;
}
