import type { LlamaModel, Token } from 'node-llama-cpp';
import type { ChatFormat } from './chat/format.ts';
import { truncatedChat } from './chat/truncate.ts';
import type { ChatPrompt, GenerationRequest, TextPrompt } from './engine.ts';
import type { Prompt } from './prompt.ts';
import { completionPrompt, withStart } from './prompt.ts';
import { PromptTooLong } from './refusal.ts';

export interface FittedPromptParts {
  model: LlamaModel;
  format: ChatFormat;
  /** Tokens. */
  contextSize: number;
}

/**
 * The prompt of a request, without its oldest part where it is too long and the request allows that. A quarter of the
 * context is kept for the answer then, or what is asked for if that is less.
 * @throws PromptTooLong, ChatTemplateRefused, NotSupported
 */
export function fittedPrompt(parts: FittedPromptParts, request: GenerationRequest): Prompt {
  const { contextSize } = parts;
  const { prompt: asked, truncate = false, maxTokens = Infinity } = request;
  const prompt = asked.kind === 'chat' ? chatPrompt(parts, asked) : completionPrompt(parts.model, asked.text);
  if (prompt.tokens.length < contextSize) return prompt;
  const most = contextSize - Math.max(1, Math.min(maxTokens, Math.floor(contextSize / 4)));
  const shorter = truncate ? truncated(parts, asked, prompt, most) : undefined;
  if (!shorter) throw new PromptTooLong(prompt.tokens.length, contextSize);
  return shorter;
}

/** @param most tokens */
function truncated(
  parts: FittedPromptParts,
  asked: TextPrompt | ChatPrompt,
  prompt: Prompt,
  most: number,
): Prompt | undefined {
  if (asked.kind === 'text') {
    return { ...prompt, tokens: lastTokens(parts.model, prompt.tokens, most) };
  }
  const messages = truncatedChat(
    asked.messages,
    (some) => chatPrompt(parts, { ...asked, messages: some }).tokens.length <= most,
  );
  return messages && chatPrompt(parts, { ...asked, messages });
}

function lastTokens(model: LlamaModel, tokens: readonly Token[], most: number): Token[] {
  const last = withStart(model, tokens.slice(-most));
  return last.length > most ? withStart(model, tokens.slice(-(most - 1))) : last;
}

function chatPrompt({ format }: FittedPromptParts, { messages, tools = [], toolChoice }: ChatPrompt): Prompt {
  return format.render(messages, toolChoice === 'none' ? [] : tools);
}
