import { z } from 'zod';
import { requestOf, unasked, unaskedOrEmpty } from '../request.ts';
import { imagesRefused } from './chat.ts';
import { answerFields, endFields, generationFields } from './generation.ts';

/** POST /api/generate: https://docs.ollama.com/api/generate */

export const ollamaGenerateFields = {
  works: {
    prompt: z
      .string()
      .nullish()
      .describe(
        'A chat of one question, unless `raw` or `suffix` say otherwise. Empty and absent: nothing is asked.',
      ),
    suffix: z
      .string()
      .nullish()
      .describe(
        'What is between prompt and suffix is written, by models with tokens for that; not with `raw`, `system` and `template`.',
      ),
    system: z.string().nullish().describe('Absent: that of the model.'),
    template: z
      .string()
      .nullish()
      .describe("A Go template in place of the model's; 400 with the reason where it cannot be followed."),
    raw: z
      .boolean()
      .nullish()
      .describe('Whether the prompt is text that goes on; not with `system` and `template`.'),
    ...generationFields.works,
  },
  ignored: generationFields.ignored,
  refused: {
    ...generationFields.refused,
    context: { neutral: unaskedOrEmpty, message: 'Superseded: send the conversation to /api/chat.' },
    images: { neutral: unaskedOrEmpty, message: imagesRefused },
    width: { neutral: unasked, message: 'Images are not made.' },
    height: { neutral: unasked, message: 'Images are not made.' },
    steps: { neutral: unasked, message: 'Images are not made.' },
  },
} as const;

const checked = requestOf(ollamaGenerateFields).superRefine((body, issues) => {
  const { raw, suffix, system, template } = body;
  const wrong = (path: string, message: string) => issues.addIssue({ code: 'custom', path: [path], message });
  if (raw && (system || template)) wrong('raw', 'raw mode does not support template or system.');
  if (suffix && (raw || system || template)) {
    wrong('suffix', 'A text with a suffix is no chat: raw, system and template have no part in it.');
  }
});
export const OllamaGenerateRequest = checked.meta({ title: 'OllamaGenerateRequest' });
export type OllamaGenerateRequest = z.infer<typeof OllamaGenerateRequest>;

const generateAnswer = { ...answerFields, response: z.string(), thinking: z.string().optional() };

/** An answer as a whole, or the last line of a stream. */
export const OllamaGenerateEnd = z
  .object({ ...generateAnswer, ...endFields })
  .meta({ title: 'OllamaGenerateAnswer' });
export type OllamaGenerateEnd = z.infer<typeof OllamaGenerateEnd>;

/** A line of a stream. */
export const OllamaGenerateLine = z
  .discriminatedUnion('done', [z.object({ ...generateAnswer, done: z.literal(false) }), OllamaGenerateEnd])
  .meta({ title: 'OllamaGenerateLine' });
export type OllamaGenerateLine = z.infer<typeof OllamaGenerateLine>;
