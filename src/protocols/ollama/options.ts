import { z } from 'zod';
import { absentOr, requestOf } from '../request.ts';

/**
 * `options` of requests for text: https://docs.ollama.com/modelfile#valid-parameters-and-values, and those that older
 * clients still send.
 */

/** What Ollama takes where neither the request nor the model says anything. */
export const optionDefaults = { temperature: 0.8, topP: 0.9, topK: 40, minP: 0 } as const;

const ofTheServer = [
  'num_batch',
  'num_gpu',
  'main_gpu',
  'num_thread',
  'num_keep',
  'draft_num_predict',
  'use_mmap',
  'use_mlock',
  'numa',
  'low_vram',
  'f16_kv',
  'vocab_only',
  'logits_all',
  'embedding_only',
] as const;

export const optionFields = {
  works: {
    temperature: z.number().min(0).nullish(),
    /** 0 and less: the whole vocabulary. */
    top_k: z.int().nullish(),
    top_p: z.number().min(0).max(1).nullish(),
    min_p: z.number().min(0).max(1).nullish(),
    /** Negative: random. */
    seed: z.int().nullish(),
    stop: z.array(z.string()).max(64).nullish(),
    /** Tokens; less than 1: until the model ends or the context is full. */
    num_predict: z.int().nullish(),
    /** Tokens of prompt and answer together; not more than the server has for a request. */
    num_ctx: z.int().min(1).nullish(),
    repeat_penalty: z.number().positive().nullish(),
    /** Tokens; 0: none, -1: the whole context. */
    repeat_last_n: z.int().min(-1).nullish(),
    presence_penalty: z.number().nullish(),
    frequency_penalty: z.number().nullish(),
  },
  ignored: [...ofTheServer, 'mirostat_tau', 'mirostat_eta'],
  refused: {
    mirostat: { neutral: absentOr(0), message: 'Mirostat sampling is not supported.' },
    typical_p: { neutral: absentOr(1), message: 'Locally typical sampling is not supported.' },
    tfs_z: { neutral: absentOr(1), message: 'Tail-free sampling is not supported.' },
    penalize_newline: { neutral: absentOr(true), message: 'Line ends are penalized as everything else is.' },
  },
} as const;

export const Options = requestOf(optionFields);
export type Options = z.infer<typeof Options>;
