import { z } from 'zod';
import { absent, absentOrEmpty, requestOf } from '../request.ts';
import { imagesRefused } from './chat.ts';
import { answerFields, endFields, generationFields } from './generation.ts';

/** POST /api/generate: https://docs.ollama.com/api/generate */

export const ollamaGenerateFields = {
  works: {
    ...generationFields.works,
    /** Empty and absent: nothing is asked. */
    prompt: z.string().nullish(),
    /** What comes after the text that is wanted. */
    suffix: z.string().nullish(),
    system: z.string().nullish(),
    /** A Go template, in place of the model's. */
    template: z.string().nullish(),
    /** Whether the prompt is text that is continued as it stands. */
    raw: z.boolean().nullish(),
  },
  ignored: [],
  refused: {
    ...generationFields.refused,
    context: { neutral: absentOrEmpty, message: 'Superseded: send the conversation to /api/chat.' },
    images: { neutral: absentOrEmpty, message: imagesRefused },
    width: { neutral: absent, message: 'Images are not made.' },
    height: { neutral: absent, message: 'Images are not made.' },
    steps: { neutral: absent, message: 'Images are not made.' },
  },
} as const;

export const OllamaGenerateRequest = requestOf(ollamaGenerateFields).superRefine((body, issues) => {
  const { raw, suffix, system, template } = body;
  const wrong = (path: string, message: string) => issues.addIssue({ code: 'custom', path: [path], message });
  if (raw && (system || template)) wrong('raw', 'raw mode does not support template or system.');
  if (suffix && (raw || system || template)) {
    wrong('suffix', 'A text with a suffix is no chat: raw, system and template have no part in it.');
  }
});
export type OllamaGenerateRequest = z.infer<typeof OllamaGenerateRequest>;

const generateAnswer = { ...answerFields, response: z.string(), thinking: z.string().optional() };

/** An answer as a whole, or the last line of a stream. */
export const OllamaGenerateEnd = z.object({ ...generateAnswer, ...endFields });
export type OllamaGenerateEnd = z.infer<typeof OllamaGenerateEnd>;

/** A line of a stream. */
export const OllamaGenerateLine = z.discriminatedUnion('done', [
  z.object({ ...generateAnswer, done: z.literal(false) }),
  OllamaGenerateEnd,
]);
export type OllamaGenerateLine = z.infer<typeof OllamaGenerateLine>;
