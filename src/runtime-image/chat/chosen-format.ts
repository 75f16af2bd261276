import type { LlamaModel } from 'node-llama-cpp';
import type { ChatFormat, ModelFormat } from './format.ts';
import type { Message } from './message.ts';
import { NotSupported } from '../refusal.ts';
import { ollamaFormat } from './ollama-format.ts';
import type { OllamaLayers } from '../ollama/layers.ts';
import { ownFormat } from './own-format.ts';

/**
 * How this model chats, with everything that the layers of an Ollama model say about it. Chats with tools are rendered
 * as the model file says: what a template layer writes about tools does not say how calls are read.
 */
export function chatFormatOf(model: LlamaModel, layers: OllamaLayers): ModelFormat {
  const { format, withTools, problem } = chosenFormat(model, layers.template);
  const { description } = format;
  const stops = stopsOf(layers.params.stop, model);
  const layered = (chosen: ChatFormat): ChatFormat => ({
    description: chosen.description,
    render(messages, tools = []) {
      const hasTools = tools.length > 0 || messages.some(({ role, calls }) => role === 'tool' || calls);
      const prompt = (hasTools ? withTools : chosen).render(withLayers(messages, layers), tools);
      return {
        ...prompt,
        stopTokens: new Set([...prompt.stopTokens, ...stops.tokens]),
        stopStrings: [...prompt.stopStrings, ...stops.strings],
      };
    },
  });
  return {
    ...layered(format),
    state: { description, ...(problem !== undefined && { problem }) },
    withTemplate: rememberingLast((source) => {
      const given = ollamaFormat(source, model);
      if ('render' in given) return layered(given);
      throw new NotSupported(`The template cannot be followed: ${given.unfit}.`);
    }),
  };
}

/** A client that has a template of its own sends it with every request. */
function rememberingLast(read: (source: string) => ChatFormat): (source: string) => ChatFormat {
  let last: { source: string; format: ChatFormat } | undefined;
  return (source) => {
    if (last?.source !== source) last = { source, format: read(source) };
    return last.format;
  };
}

/** The template layer wins where there is one that can be followed. */
function chosenFormat(
  model: LlamaModel,
  template?: string,
): { format: ChatFormat; withTools: ChatFormat; problem?: string } {
  const own = ownFormat(model);
  if (template === undefined) return { format: own, withTools: own };
  const format = ollamaFormat(template, model);
  if ('render' in format) return { format, withTools: own };
  const problem = `The template of the Ollama model is not in use: ${format.unfit}. ${own.description}`;
  return { format: own, withTools: own, problem };
}

/**
 * The system layer goes first, unless the request has a system message; then the messages layer.
 * Source: https://github.com/ollama/ollama/blob/main/server/routes.go (ChatHandler)
 */
export function withLayers(
  messages: readonly Message[],
  { system, messages: before }: Pick<OllamaLayers, 'system' | 'messages'>,
): readonly Message[] {
  const hasSystem = messages.some(({ role }) => role === 'system');
  const first: Message[] = system && !hasSystem ? [{ role: 'system', content: system }] : [];
  return [...first, ...before, ...messages];
}

/** A stop that is one special token never shows as text: it is the token that has to be looked for. */
function stopsOf(strings: readonly string[], { tokenizer }: LlamaModel) {
  const tokens = strings
    .map((stop) => tokenizer(stop, true, 'trimLeadingSpace'))
    .flatMap(([first, ...others]) => (first !== undefined && others.length === 0 ? [first] : []))
    .filter((token) => tokenizer.isSpecialToken(token));
  return { tokens, strings };
}
