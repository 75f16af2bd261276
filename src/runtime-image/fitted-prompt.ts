import type { LlamaModel, Token } from 'node-llama-cpp';
import type { ModelFormat } from './chat/format.ts';
import { truncatedChat } from './chat/truncate.ts';
import type { ChatPrompt, GenerationRequest, TextPrompt } from './engine.ts';
import type { Prompt } from './prompt.ts';
import { completionPrompt, infillPrompt, withStart } from './prompt.ts';
import { PromptTooLong } from './refusal.ts';

export interface FittedPromptParts {
  model: LlamaModel;
  format: ModelFormat;
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
  const prompt = asked.kind === 'chat' ? chatPrompt(parts, asked) : textPrompt(parts.model, asked);
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
    // What is wanted lies between two texts: neither has an oldest part.
    if (asked.suffix !== undefined) return undefined;
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

function textPrompt(model: LlamaModel, { text, suffix }: TextPrompt): Prompt {
  return suffix === undefined ? completionPrompt(model, text) : infillPrompt(model, text, suffix);
}

function chatPrompt({ format }: FittedPromptParts, asked: ChatPrompt): Prompt {
  const { messages, tools = [], toolChoice, template } = asked;
  const chosen = template === undefined ? format : format.withTemplate(template);
  return chosen.render(messages, toolChoice === 'none' ? [] : tools);
}
