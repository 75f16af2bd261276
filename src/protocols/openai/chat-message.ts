import { z } from 'zod';
import { absent, absentOrEmpty, unsupportedCode } from '../request.ts';

/** A part of a content: only text is read. `refusal` is what assistants of OpenAI say, and text too. */
const contentPart = z
  .looseObject({ type: z.string(), text: z.string().optional(), refusal: z.string().optional() })
  .superRefine((part, issues) => {
    if (!textTypes.has(part.type)) {
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

const textTypes = new Set(['text', 'refusal', 'input_text', 'output_text']);

export const Content = z.union([z.string(), z.array(contentPart)]);
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

export const ChatMessage = z
  .looseObject({
    role: z.enum(['system', 'developer', 'user', 'assistant', 'tool'], {
      error: 'One of system, developer, user, assistant and tool.',
    }),
    content: Content.nullish(),
    /** Of the assistant: what it thought, as other open servers have it. */
    reasoning_content: z.string().nullish(),
    tool_calls: z.array(CalledTool).nullish(),
    /** Of a tool: the call that it answers. */
    tool_call_id: z.string().nullish(),
  })
  .superRefine((message, issues) => {
    const needs = (field: string, text: string) =>
      issues.addIssue({ code: 'custom', path: [field], message: text });
    if (absent(message.content) && message.role !== 'assistant') {
      needs('content', 'Required: a string or a list of text parts.');
    }
    if (message.role === 'tool' && absent(message.tool_call_id)) {
      needs('tool_call_id', 'Required: the id of the call that this answers.');
    }
    for (const field of ['audio', 'function_call']) {
      if (absentOrEmpty(message[field])) continue;
      issues.addIssue({
        code: 'custom',
        path: [field],
        message: `${field} in a message is not supported.`,
        params: { code: unsupportedCode },
      });
    }
  });
export type ChatMessage = z.infer<typeof ChatMessage>;
