import type { Tokenizer } from 'node-llama-cpp';
import { LlamaText } from 'node-llama-cpp';

/** A text with its special tokens written out, as a model's answer is compared with it. */
export function written(text: string | LlamaText, tokenizer: Tokenizer): string {
  return valuesOf(text)
    .map((value) =>
      typeof value === 'string' ? value : tokenizer.detokenize(value.tokenize(tokenizer), true),
    )
    .join('');
}

/** The same up to the first token that ends an answer: that one never comes as text. */
export function writtenUntilEnd(text: string | LlamaText, tokenizer: Tokenizer): string {
  let before = '';
  for (const value of valuesOf(text)) {
    if (typeof value === 'string') {
      before += value;
      continue;
    }
    const tokens = value.tokenize(tokenizer);
    const end = tokens.findIndex((token) => tokenizer.isEogToken(token));
    before += tokenizer.detokenize(end < 0 ? tokens : tokens.slice(0, end), true);
    if (end >= 0) break;
  }
  return before;
}

const valuesOf = (text: string | LlamaText) => LlamaText(text).values;
