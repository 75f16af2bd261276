import type { ChatWrapper, Token } from 'node-llama-cpp';
import type { ChatFormat, ChatModel } from './format.ts';
import { GoTemplateError } from '../go-template/error.ts';
import { flatten, Outside } from '../go-template/text.ts';
import { matchingWrapper } from './matching-wrapper.ts';
import type { Message } from './message.ts';
import type { OllamaTemplate } from '../ollama/template.ts';
import { parseOllamaTemplate } from '../ollama/template.ts';
import type { Prompt } from '../prompt.ts';
import { withStart } from '../prompt.ts';
import { ChatTemplateRefused } from '../refusal.ts';
import { hasOwnTemplate } from './own-format.ts';
import { endOfAnswer, probes } from './probes.ts';
import { specialTokenAtStart, tokensOfPieces } from './template-tokens.ts';
import { renderWithWrapper } from './wrapper-format.ts';

/** Characters; the longest templates in Ollama's library have some ten thousand. */
const longestTemplate = 1024 * 1024;

/**
 * How the template layer of an Ollama model writes chats, or why it cannot be followed. The template is evaluated for
 * every chat; where a format of node-llama-cpp writes the same, that one says what ends an answer.
 */
export function ollamaFormat(source: string, model: ChatModel): ChatFormat | { unfit: string } {
  if (source.length > longestTemplate) return { unfit: `it is longer than ${longestTemplate} characters` };
  try {
    const template = parseOllamaTemplate(source, () => new Date());
    if (template.isPromptOnly && hasOwnTemplate(model)) {
      return { unfit: 'it is only {{ .Prompt }}, which Ollama has where its own code writes the chats' };
    }
    const written = probes.map((probe) => template.render(probe).map(flatten).join(''));
    if (!written.every(saysQuestion)) return { unfit: 'it leaves out what the user says' };
    const wrapper = matchingWrapper(written, model);
    const which = wrapper ? `, which was matched to the ${wrapper.wrapperName} format` : '';
    const ends = endsOf(template, wrapper, model);
    return {
      description: `Chats are rendered with the template of the Ollama model${which}.`,
      render(messages) {
        const { tokens, text } = promptOf(template, messages, model);
        const { thought } = ends.answer;
        const open = thought !== undefined && thought.begin !== '' && text.trimEnd().endsWith(thought.begin);
        return { ...ends, tokens, answer: thought ? { thought: { ...thought, open } } : {} };
      },
    };
  } catch (error) {
    if (error instanceof GoTemplateError) return { unfit: error.message };
    throw error;
  }
}

function promptOf(
  template: OllamaTemplate,
  messages: readonly Message[],
  model: ChatModel,
): { tokens: Token[]; text: string } {
  try {
    const pieces = template.render(messages);
    const tokens = withStart(model, tokensOfPieces(pieces, model.tokenizer));
    const end = pieces.at(-1);
    return { tokens, text: typeof end === 'string' ? end : '' };
  } catch (error) {
    if (error instanceof GoTemplateError) throw new ChatTemplateRefused(error);
    throw error;
  }
}

function endsOf(
  template: OllamaTemplate,
  wrapper: ChatWrapper | undefined,
  { tokenizer }: ChatModel,
): Omit<Prompt, 'tokens'> {
  const known = wrapper && renderWithWrapper(wrapper, tokenizer, endOfAnswer.chat);
  const written = specialTokenAtStart(textBehindAnswer(template), tokenizer);
  return {
    stopTokens: new Set([...(known?.stopTokens ?? []), ...(written === undefined ? [] : [written])]),
    stopStrings: known?.stopStrings ?? [],
    answer: known?.answer ?? {},
  };
}

/** What the template writes between an answer and the next question. */
function textBehindAnswer(template: OllamaTemplate): string {
  const { chat, answer } = endOfAnswer;
  const pieces = template.render(chat);
  const at = pieces.findLastIndex((piece) => piece instanceof Outside && piece.text === answer.content);
  const behind = at < 0 ? [] : pieces.slice(at + 1);
  const next = behind.findIndex((piece) => piece instanceof Outside);
  return behind.slice(0, Math.max(0, next)).map(flatten).join('');
}

/** Contents may be joined and escaped, and old ones left out, but what was asked last has to be there. */
function saysQuestion(written: string, probe: number): boolean {
  const asked = (probes[probe] ?? []).findLast(({ role }) => role === 'user');
  return written.includes(asked?.content.slice(0, 8) ?? '');
}
