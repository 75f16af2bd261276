import type { ChatMessage } from '../../protocols/openai/chat-message.ts';
import { textOf } from '../../protocols/openai/chat-message.ts';
import type { ChatToolChoice } from '../../protocols/openai/structure.ts';
import type { Message } from '../chat/message.ts';
import type { Tool, ToolChoice } from '../chat/tools.ts';
import type { Structure } from '../engine.ts';

export function messageOf(message: ChatMessage): Message {
  const { reasoning_content: thought, tool_calls: calls, tool_call_id: callId } = message;
  return {
    // "developer" is what OpenAI calls "system" for its newer models.
    role: message.role === 'developer' ? 'system' : message.role,
    content: textOf(message.content),
    ...(thought && { thought }),
    ...(calls && calls.length > 0 && { calls: calls.map(({ id, function: called }) => ({ id, ...called })) }),
    ...(callId && { callId }),
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

export function toolChoiceOf(choice: ChatToolChoice | null | undefined): ToolChoice {
  if (typeof choice === 'object' && choice !== null) return { name: choice.function.name };
  return choice ?? 'auto';
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
