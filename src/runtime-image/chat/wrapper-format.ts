import type {
  ChatHistoryItem,
  ChatWrapper,
  ChatWrapperGeneratedContextState,
  LlamaText,
  Token,
  Tokenizer,
} from 'node-llama-cpp';
import { ChatTemplateRefused } from '../engine.ts';
import type { Prompt } from '../generate.ts';
import type { Message } from './message.ts';

/** A chat as one of node-llama-cpp's formats renders it. */
export function renderWithWrapper(
  wrapper: ChatWrapper,
  tokenizer: Tokenizer,
  messages: readonly Message[],
): Prompt {
  const { contextText, stopGenerationTriggers } = contextOf(wrapper, messages);
  return { tokens: contextText.tokenize(tokenizer), ...stopsOf(stopGenerationTriggers, tokenizer) };
}

/** @throws ChatTemplateRefused */
export function contextOf(
  wrapper: ChatWrapper,
  messages: readonly Message[],
): ChatWrapperGeneratedContextState {
  const chatHistory = messages.map(historyItem);
  if (chatHistory.at(-1)?.type !== 'model') chatHistory.push({ type: 'model', response: [] });
  try {
    return wrapper.generateContextState({ chatHistory });
  } catch (error) {
    throw new ChatTemplateRefused(error);
  }
}

function historyItem({ role, content }: Message): ChatHistoryItem {
  if (role === 'assistant') return { type: 'model', response: content === '' ? [] : [content] };
  return { type: role, text: content };
}

/** A trigger that begins with a special token shows as that token; others show as text. */
function stopsOf(triggers: readonly LlamaText[], tokenizer: Tokenizer) {
  const stopTokens = new Set<Token>();
  const stopStrings: string[] = [];
  for (const trigger of triggers) {
    const tokens = trigger.tokenize(tokenizer);
    const [first] = tokens;
    if (first === undefined) continue;
    if (tokenizer.isSpecialToken(first)) stopTokens.add(first);
    else stopStrings.push(tokenizer.detokenize(tokens, true));
  }
  return { stopTokens, stopStrings };
}
