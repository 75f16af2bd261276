import { z } from 'zod';

/** Counts of tokens. */
export const Usage = z.object({
  /** Of the prompt, once, however many answers it got. */
  prompt_tokens: z.int(),
  /** Of all answers, with what was thought. */
  completion_tokens: z.int(),
  total_tokens: z.int(),
  /** Tokens of the prompt that did not have to be computed again. */
  prompt_tokens_details: z.object({ cached_tokens: z.int() }),
  completion_tokens_details: z.object({ reasoning_tokens: z.int() }),
});
export type Usage = z.infer<typeof Usage>;
