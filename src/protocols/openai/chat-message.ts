import { z } from 'zod';
import { emptyOnly, unsupportedCode } from '../request.ts';

const textTypes = ['text', 'refusal', 'input_text', 'output_text'];

/** A part of a content: only text is read. `refusal` is what assistants of OpenAI say, and text too. */
const contentPart = z
  .looseObject({
    type: z.string().meta({ enum: textTypes }),
    text: z.string().optional(),
    refusal: z.string().optional(),
  })
  .superRefine((part, issues) => {
    if (!textTypes.includes(part.type)) {
      issues.addIssue({
        code: 'custom',
        path: ['type'],
        message: `Content of type ${part.type} is not supported: this server reads only text.`,
        params: { code: unsupportedCode },
      });
    } else if (part.text === undefined && part.refusal === undefined) {
      issues.addIssue({ code: 'custom', path: ['text'], message: 'Required for a part of type text.' });
    }
  });

export const Content = z.union([z.string(), z.array(contentPart)], {
  error: 'It has to be a string or a list of text parts.',
});
export type Content = z.infer<typeof Content>;

/** The text of a content, its parts joined as they stand. */
export function textOf(content: Content | null | undefined): string {
  if (typeof content === 'string') return content;
  return (content ?? []).map((part) => part.text ?? part.refusal ?? '').join('');
}

export const CalledTool = z.object({
  id: z.string(),
  type: z.literal('function'),
  /** `arguments` is JSON as text. */
  function: z.object({ name: z.string(), arguments: z.string() }),
});

const notTaken = {
  audio: emptyOnly('audio in a message is not supported.'),
  function_call: emptyOnly('function_call in a message is not supported.'),
};

export const ChatMessage = z.discriminatedUnion(
  'role',
  [
    // "developer" is what OpenAI calls "system" for its newer models.
    z.looseObject({ role: z.enum(['system', 'developer', 'user']), content: Content, ...notTaken }),
    z.looseObject({
      role: z.literal('assistant'),
      content: Content.nullish(),
      reasoning_content: z.string().nullish().describe('What it thought, as other open servers have it.'),
      tool_calls: z.array(CalledTool).nullish(),
      ...notTaken,
    }),
    z.looseObject({
      role: z.literal('tool'),
      content: Content,
      tool_call_id: z.string().describe('The id of the call that it answers.'),
      ...notTaken,
    }),
  ],
  {
    error: ({ code }) =>
      code === 'invalid_union' ? 'One of system, developer, user, assistant and tool.' : undefined,
  },
);
export type ChatMessage = z.infer<typeof ChatMessage>;
