import type {
  ChatModelFunctions,
  ChatModelResponse,
  ChatWrapper,
  ChatWrapperGeneratedContextState,
  Token,
  Tokenizer,
} from 'node-llama-cpp';
import { isLlamaText, LlamaText } from 'node-llama-cpp';
import { gbnfSchema } from '../grammar/json-schema.ts';
import type { Prompt } from '../prompt.ts';
import { ChatTemplateRefused } from '../refusal.ts';
import { answerShapeOf } from './answer-shape.ts';
import { historyOf } from './history.ts';
import type { Message } from './message.ts';
import type { Tool } from './tools.ts';

/** A chat as one of node-llama-cpp's formats renders it. */
export function renderWithWrapper(
  wrapper: ChatWrapper,
  tokenizer: Tokenizer,
  messages: readonly Message[],
  tools: readonly Tool[] = [],
): Prompt {
  const { state, answer } = contextOf(wrapper, messages, tools);
  const thought = thoughtAtStart(wrapper, answer);
  const text = LlamaText(state.contextText, thought.prefix);
  return {
    tokens: text.tokenize(tokenizer),
    ...stopsOf(state.stopGenerationTriggers, tokenizer),
    answer: answerShapeOf({
      wrapper,
      state,
      tokenizer,
      withTools: tools.length > 0,
      thoughtOpen: thought.open,
    }),
  };
}

/**
 * @returns what the format writes, and the part of the answer that there is already
 * @throws ChatTemplateRefused
 */
export function contextOf(
  wrapper: ChatWrapper,
  messages: readonly Message[],
  tools: readonly Tool[] = [],
): { state: ChatWrapperGeneratedContextState; answer: ChatModelResponse } {
  const chatHistory = historyOf(messages);
  const last = chatHistory.at(-1);
  const answer: ChatModelResponse = last?.type === 'model' ? last : { type: 'model', response: [] };
  if (answer !== last) chatHistory.push(answer);
  try {
    const state = wrapper.generateContextState({
      chatHistory,
      ...(tools.length > 0 && { availableFunctions: functionsOf(wrapper, tools) }),
      documentFunctionParams: true,
    });
    return { state, answer };
  } catch (error) {
    throw new ChatTemplateRefused(error);
  }
}

/** A template gets the schemas as they came; the other formats write them as TypeScript, and know fewer words. */
function functionsOf(wrapper: ChatWrapper, tools: readonly Tool[]): ChatModelFunctions {
  const asTheyCame = wrapper.wrapperName === 'JinjaTemplate';
  return Object.fromEntries(
    tools.map(({ name, description, parameters }) => {
      const params = parameters && (asTheyCame ? parameters : gbnfSchema(parameters, false));
      return [name, { ...(description !== undefined && { description }), ...(params && { params }) }];
    }),
  ) as ChatModelFunctions;
}

/** Some models begin every answer with a thought: their format opens it, or leaves that to whoever generates. */
function thoughtAtStart({ settings }: ChatWrapper, answer: ChatModelResponse) {
  const thought = settings.segments?.thought;
  if (!thought || answer.response.length > 0) return { open: false, prefix: '' };
  const { prefix } = thought;
  if (typeof prefix === 'object' && !isLlamaText(prefix)) return { open: true, prefix: '' };
  return thought.openOnResponseStart ? { open: true, prefix } : { open: false, prefix: '' };
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
