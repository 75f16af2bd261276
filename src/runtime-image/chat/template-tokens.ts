import type { Token, Tokenizer } from 'node-llama-cpp';
import { LlamaText, SpecialTokensText } from 'node-llama-cpp';
import type { Piece } from '../go-template/text.ts';
import { Outside } from '../go-template/text.ts';

/**
 * Tokens of what a template wrote. Special tokens are read only in its own text: one that somebody typed into a chat
 * stays the characters that it is written with. Ordinary text is tokenized together wherever it comes from, as
 * llama.cpp does, so that words are not cut where the template ends.
 */
export function tokensOfPieces(pieces: readonly Piece[], tokenizer: Tokenizer): Token[] {
  const values: (string | SpecialTokensText)[] = [];
  let authored = '';
  for (const piece of [...pieces, new Outside('')]) {
    if (!(piece instanceof Outside)) {
      authored += piece;
      continue;
    }
    values.push(...specialTokensIn(authored, tokenizer), piece.text);
    authored = '';
  }
  return LlamaText(values).tokenize(tokenizer);
}

export function specialTokenAtStart(text: string, tokenizer: Tokenizer): Token | undefined {
  const [first] = specialTokensIn(text.trimStart(), tokenizer);
  return first instanceof SpecialTokensText ? first.tokenize(tokenizer, true)[0] : undefined;
}

/** The text cut at its special tokens. */
function specialTokensIn(text: string, tokenizer: Tokenizer): (string | SpecialTokensText)[] {
  const parts: (string | SpecialTokensText)[] = [];
  let at = 0;
  for (const token of tokenizer(text, true, 'trimLeadingSpace')) {
    if (!tokenizer.isSpecialToken(token)) continue;
    const written = tokenizer.detokenize([token], true);
    const found = written === '' ? -1 : text.indexOf(written, at);
    // A vocabulary that writes a token otherwise than it reads it: the tokenizer has to cut it as it does.
    if (found < 0) return [new SpecialTokensText(text)];
    parts.push(text.slice(at, found), new SpecialTokensText(written));
    at = found + written.length;
  }
  return [...parts, text.slice(at)].filter((part) => part !== '');
}
