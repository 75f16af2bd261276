import type { ChatMessage } from '../../protocols/openai/chat-message.ts';
import { textOf } from '../../protocols/openai/chat-message.ts';
import type { Calling } from '../../protocols/openai/structure.ts';
import type { Message } from '../chat/message.ts';
import type { Tool } from '../chat/tools.ts';
import type { ChatPrompt, Structure } from '../engine.ts';

export function messageOf(message: ChatMessage): Message {
  const content = textOf(message.content);
  if (message.role === 'tool') return { role: 'tool', content, callId: message.tool_call_id };
  if (message.role !== 'assistant') return { role: message.role === 'user' ? 'user' : 'system', content };
  const { reasoning_content: thought, tool_calls: calls } = message;
  return {
    role: 'assistant',
    content,
    ...(thought && { thought }),
    ...(calls && calls.length > 0 && { calls: calls.map(({ id, function: called }) => ({ id, ...called })) }),
  };
}

interface Definition {
  name: string;
  description?: string | null | undefined;
  parameters?: Record<string, unknown> | null | undefined;
  strict?: boolean | null | undefined;
}

export function toolOf({ name, description, parameters, strict }: Definition): Tool {
  return {
    name,
    ...(description && { description }),
    ...(parameters && { parameters }),
    strict: strict === true,
  };
}

/** The tools that the model is told of, and what it is to do with them. */
export function offered(
  tools: readonly Tool[],
  { choice, allowed }: Calling,
): Pick<ChatPrompt, 'tools' | 'toolChoice'> {
  return {
    tools: allowed ? tools.filter(({ name }) => allowed.includes(name)) : tools,
    toolChoice: choice,
  };
}

interface Format {
  type: 'text' | 'json_object' | 'json_schema';
  schema?: Record<string, unknown>;
  strict?: boolean | null | undefined;
}

export function structureOf({ type, schema = {}, strict }: Format): Structure | undefined {
  if (type === 'text') return undefined;
  return type === 'json_object' ? { type: 'json' } : { type: 'schema', schema, strict: strict === true };
}
