import type { ChatWrapper, LlamaText } from 'node-llama-cpp';
import { chatWrappers, SpecialToken, specializedChatWrapperTypeNames } from 'node-llama-cpp';
import { ChatTemplateRefused } from '../refusal.ts';
import type { ChatModel } from './format.ts';
import { probes } from './probes.ts';
import { contextOf } from './wrapper-format.ts';

/** The plain one first: others write the same where neither thoughts nor tools are in a chat. */
const names = ['chatML', ...specializedChatWrapperTypeNames.filter((name) => name !== 'chatML')] as const;

/**
 * A format of node-llama-cpp that writes the same about every probe, but for the token that begins every text.
 * resolveChatWrapper does so for Jinja templates.
 * @param written what the template writes about each probe
 */
export function matchingWrapper(written: readonly string[], model: ChatModel): ChatWrapper | undefined {
  const { bosString } = model.tokens;
  const wanted = written.map((text) => withoutStart(text, bosString ?? ''));
  return names
    .map((name) => new chatWrappers[name]())
    .find((wrapper) => wanted.every((text, i) => text === writtenBy(wrapper, i, model)));
}

function writtenBy(
  wrapper: ChatWrapper,
  probe: number,
  { tokenizer, tokens }: ChatModel,
): string | undefined {
  const special: Record<string, string | null> = { BOS: tokens.bosString, EOS: tokens.eosString };
  const shown = (value: LlamaText['values'][number]) => {
    if (!(value instanceof SpecialToken)) return String(value);
    return special[value.value] ?? tokenizer.detokenize(value.tokenize(tokenizer), true);
  };
  try {
    const { contextText } = contextOf(wrapper, probes[probe] ?? []).state;
    return withoutStart(contextText.values.map(shown).join(''), tokens.bosString ?? '');
  } catch (error) {
    if (error instanceof ChatTemplateRefused) return undefined;
    throw error;
  }
}

const withoutStart = (text: string, bos: string) => (text.startsWith(bos) ? text.slice(bos.length) : text);
