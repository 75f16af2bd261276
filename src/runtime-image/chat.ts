import type { ChatHistoryItem, ChatWrapper, LlamaModel, LlamaText, Token } from 'node-llama-cpp';
import { resolveChatWrapper } from 'node-llama-cpp';
import type { ChatMessage } from '../protocols/openai.ts';
import { textOf } from '../protocols/openai.ts';
import { ChatTemplateRefused } from './engine.ts';
import type { Prompt } from './generate.ts';

export interface ChatFormat {
  /** For the log. */
  description: string;
  render(messages: readonly ChatMessage[]): Prompt;
}

/**
 * How this model chats: its own template, or one by name and architecture where the file carries none.
 * A last message of the assistant is the beginning of the answer.
 */
export function chatFormatOf(model: LlamaModel): ChatFormat {
  const wrapper = resolveChatWrapper(model, { warningLogs: false });
  const template = model.fileInfo.metadata.tokenizer.chat_template;
  const origin = template
    ? 'the chat template of the file'
    : `a fallback by name and architecture (${model.architecture}): the file carries no chat template`;
  return {
    description: `${wrapper.wrapperName}, from ${origin}`,
    render: (messages) => render(wrapper, model, messages),
  };
}

function render(wrapper: ChatWrapper, model: LlamaModel, messages: readonly ChatMessage[]): Prompt {
  const chatHistory = messages.map(historyItem);
  if (chatHistory.at(-1)?.type !== 'model') chatHistory.push({ type: 'model', response: [] });
  try {
    const { contextText, stopGenerationTriggers } = wrapper.generateContextState({ chatHistory });
    return { tokens: contextText.tokenize(model.tokenizer), ...stopsOf(stopGenerationTriggers, model) };
  } catch (error) {
    throw new ChatTemplateRefused(error);
  }
}

function historyItem(message: ChatMessage): ChatHistoryItem {
  const text = textOf(message);
  if (message.role === 'assistant') return { type: 'model', response: text === '' ? [] : [text] };
  // "developer" is what OpenAI calls "system" for its newer models.
  return { type: message.role === 'user' ? 'user' : 'system', text };
}

/** A trigger that begins with a special token shows as that token; others show as text. */
function stopsOf(triggers: readonly LlamaText[], model: LlamaModel) {
  const stopTokens = new Set<Token>();
  const stopStrings: string[] = [];
  for (const trigger of triggers) {
    const tokens = trigger.tokenize(model.tokenizer);
    const [first] = tokens;
    if (first === undefined) continue;
    if (model.isSpecialToken(first)) stopTokens.add(first);
    else stopStrings.push(model.detokenize(tokens, true));
  }
  return { stopTokens, stopStrings };
}
