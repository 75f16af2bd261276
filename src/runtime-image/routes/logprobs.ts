import type { ChatLogprobs } from '../../protocols/openai/chat.ts';
import type { CompletionLogprobs } from '../../protocols/openai/completions.ts';
import type { ResponseLogprob } from '../../protocols/openai/responses.ts';
import type { Likely, TokenLogprob } from '../engine.ts';

export function chatLogprobs(tokens: readonly TokenLogprob[]): ChatLogprobs {
  return {
    content: tokens.map((one) => ({ ...likely(one), top_logprobs: one.top.map(likely) })),
    refusal: null,
  };
}

/** In responses, where what has no text of its own has no bytes. */
export function responseLogprobs(tokens: readonly TokenLogprob[]): ResponseLogprob[] {
  const told = (one: Likely) => ({ ...likely(one), bytes: likely(one).bytes ?? [] });
  return tokens.map((one) => ({ ...told(one), top_logprobs: one.top.map(told) }));
}

/** A token that is a part of a character has no text of its own. */
const likely = ({ token, logprob }: Likely) => ({
  token,
  logprob,
  bytes: token.includes('\uFFFD') ? null : [...Buffer.from(token)],
});

/** @param offset characters of the answer before these tokens */
export function completionLogprobs(tokens: readonly TokenLogprob[], offset: number): CompletionLogprobs {
  let at = offset;
  return {
    tokens: tokens.map(({ token }) => token),
    token_logprobs: tokens.map(({ logprob }) => logprob),
    top_logprobs: tokens.map(({ top }) =>
      Object.fromEntries(top.map(({ token, logprob }) => [token, logprob])),
    ),
    text_offset: tokens.map(({ token }) => {
      const start = at;
      at += token.length;
      return start;
    }),
  };
}
