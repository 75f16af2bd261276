import type { ChatMessage } from '../../protocols/openai.ts';
import { textOf } from '../../protocols/openai.ts';

/** A message of a chat as formats render it. */
export interface Message {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

export function messageOf(message: ChatMessage): Message {
  // "developer" is what OpenAI calls "system" for its newer models.
  const role = message.role === 'developer' ? 'system' : message.role;
  return { role, content: textOf(message) };
}
