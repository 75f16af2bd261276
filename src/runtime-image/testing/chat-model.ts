import type { LlamaModel, Token, Tokenizer } from 'node-llama-cpp';
import type { ChatModel } from '../chat/format.ts';

export interface ChatModelOptions {
  /** Besides <s> and </s>, which begin and end texts. */
  special?: readonly string[];
  /** The Jinja template in the file. */
  template?: string;
}

/** As much of a model as chat formats look at: a token is a character, or one of the special ones. */
export function chatModel({ special = [], template }: ChatModelOptions = {}): ChatModel {
  const names = ['<s>', '</s>', ...special];
  const first = 0x110000;
  const pattern = new RegExp(`${names.map((name) => name.replaceAll(/[|/]/g, '\\$&')).join('|')}|[^]`, 'gu');
  const tokenOf = (text: string) => {
    const at = names.indexOf(text);
    return (at < 0 ? (text.codePointAt(0) ?? 0) : first + at) as Token;
  };
  const textOf = (token: Token) =>
    token < first ? String.fromCodePoint(token) : (names[token - first] ?? '');
  const tokenize = (text: string, mode?: boolean | 'builtin') => {
    if (mode === 'builtin')
      return text === 'BOS' || text === 'EOS' ? [tokenOf(text === 'BOS' ? '<s>' : '</s>')] : [];
    return (mode ? (text.match(pattern) ?? []) : Array.from(text)).map(tokenOf);
  };
  const tokenizer = Object.assign(tokenize, {
    detokenize: (tokens: readonly Token[]) => tokens.map(textOf).join(''),
    isSpecialToken: (token: Token | undefined) => token !== undefined && token >= first,
    isEogToken: (token: Token | undefined) => token === tokenOf('</s>'),
  }) as unknown as Tokenizer;
  const tokens = {
    bos: tokenOf('<s>'),
    bosString: '<s>',
    eos: tokenOf('</s>'),
    eosString: '</s>',
    shouldPrependBosToken: true,
  } as unknown as LlamaModel['tokens'];
  const metadata = { tokenizer: { chat_template: template }, general: { architecture: 'test' } };
  return { tokenizer, tokens, fileInfo: { metadata } as unknown as LlamaModel['fileInfo'] };
}
