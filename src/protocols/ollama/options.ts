import { z } from 'zod';
import { requestOf, unaskedOr } from '../request.ts';

/**
 * `options` of requests for text: https://docs.ollama.com/modelfile#valid-parameters-and-values, and those that older
 * clients still send.
 */

/** What Ollama takes where neither the request nor the model says anything. */
export const optionDefaults = { temperature: 0.8, topP: 0.9, topK: 40, minP: 0 } as const;

const ofTheServer = 'The ModelServer says it.';
const older = 'Of older releases of Ollama.';
const mirostat = 'Only `mirostat` would look at it.';

export const optionFields = {
  works: {
    temperature: z.number().min(0).nullish().describe('Absent: that of the model, else 0.8.'),
    top_k: z.int().nullish().describe('Absent: that of the model, else 40; 0 and less are all.'),
    top_p: z.number().min(0).max(1).nullish().describe('Absent: that of the model, else 0.9.'),
    min_p: z.number().min(0).max(1).nullish().describe('Absent: that of the model, else 0.'),
    seed: z.int().nullish().describe('Negative: random.'),
    stop: z
      .array(z.string())
      .max(64)
      .nullish()
      .describe('Texts before which the answer ends, up to 64, beside those of the model.'),
    num_predict: z
      .int()
      .nullish()
      .describe('Tokens; less than 1: until the model ends or the context is full.'),
    num_ctx: z
      .int()
      .min(1)
      .nullish()
      .describe('Tokens of prompt and answer together; up to what the server has for a request.'),
    repeat_penalty: z
      .number()
      .positive()
      .nullish()
      .describe('For the last tokens of prompt and answer; absent: that of the model, else none.'),
    repeat_last_n: z
      .int()
      .min(-1)
      .nullish()
      .describe('Tokens; absent: that of the model, else 64; 0 is none, -1 all.'),
    presence_penalty: z
      .number()
      .nullish()
      .describe('For what was generated; with a `repeat_penalty`, for the same tokens as that.'),
    frequency_penalty: z
      .number()
      .nullish()
      .describe('For what was generated; with a `repeat_penalty`, for the same tokens as that.'),
  },
  ignored: {
    num_batch: 'llama.cpp chooses it.',
    num_gpu: ofTheServer,
    main_gpu: ofTheServer,
    num_thread: ofTheServer,
    num_keep: 'Only `shift` would look at it.',
    draft_num_predict: 'No draft model is there to look at it.',
    use_mmap: 'Files are mapped.',
    use_mlock: 'Memory is not locked.',
    numa: 'The node decides.',
    low_vram: older,
    f16_kv: older,
    vocab_only: older,
    logits_all: older,
    embedding_only: older,
    mirostat_tau: mirostat,
    mirostat_eta: mirostat,
  },
  refused: {
    mirostat: { neutral: unaskedOr(0), message: 'Mirostat sampling is not supported.' },
    typical_p: { neutral: unaskedOr(1), message: 'Locally typical sampling is not supported.' },
    tfs_z: { neutral: unaskedOr(1), message: 'Tail-free sampling is not supported.' },
    penalize_newline: {
      neutral: unaskedOr(true),
      message: 'Line ends are penalized as everything else is.',
    },
  },
} as const;

export const Options = requestOf(optionFields);
export type Options = z.infer<typeof Options>;
