import type { LlamaModel } from 'node-llama-cpp';
import type { LoadState } from '../../protocols/runtime.ts';
import type { Prompt } from '../prompt.ts';
import type { Message } from './message.ts';
import type { Tool } from './tools.ts';

/** How chats become prompts. */
export interface ChatFormat {
  /** A sentence for people. */
  description: string;
  /**
   * A last message of the assistant is the beginning of the answer.
   * @param tools what the model may call
   * @throws ChatTemplateRefused, NotSupported
   */
  render(messages: readonly Message[], tools?: readonly Tool[]): Prompt;
}

/** How a model's chats become prompts. */
export interface ModelFormat extends ChatFormat {
  state: ChatState;
  /**
   * The same with another Go template, as Ollama has them.
   * @throws NotSupported where it cannot be followed
   */
  withTemplate(source: string): ChatFormat;
}

/** What formats look at in a model. */
export type ChatModel = Pick<LlamaModel, 'tokenizer' | 'tokens' | 'fileInfo'>;

/** What /load says about chats. */
export type ChatState = NonNullable<LoadState['chat']>;
