import { evaluateTemplate } from '../go-template/evaluate.ts';
import { parseTemplate } from '../go-template/parse.ts';
import type { Template } from '../go-template/syntax.ts';
import type { GoString, Piece } from '../go-template/text.ts';
import { piecesOf } from '../go-template/text.ts';
import type { GoValue } from '../go-template/values.ts';
import { GoStruct } from '../go-template/values.ts';
import type { Message } from '../chat/message.ts';
import type { Turn } from './collate.ts';
import { collate } from './collate.ts';
import { ollamaFunctions } from './functions.ts';
import { fieldsOf, untilResponse, withResponse, writtenField } from './tree.ts';

/** The template layer of an Ollama model. */
export interface OllamaTemplate {
  /** Whether it writes the prompt and nothing else: what Ollama has where code renders the chats, or nothing does. */
  readonly isPromptOnly: boolean;
  /**
   * The chat up to where the answer begins; a last message of the assistant is its beginning.
   * @throws GoTemplateError
   */
  render(messages: readonly Message[]): readonly Piece[];
}

/**
 * Behaves as Ollama does: https://github.com/ollama/ollama/blob/main/template/template.go (Parse, Execute).
 * @param now the clock of templates that write a date
 * @throws GoTemplateError
 */
export function parseOllamaTemplate(source: string, now: () => Date): OllamaTemplate {
  const functions = ollamaFunctions(now);
  const parsed = parseTemplate(source, new Set(functions.keys()));
  const fields = fieldsOf(parsed);
  const isPromptOnly = isOnlyPrompt(parsed);
  const evaluate = (template: Template, values: Record<string, GoValue>) =>
    evaluateTemplate(template, new Map(Object.entries({ ...unasked, ...values })), functions);

  if (fields.has('messages')) {
    return {
      isPromptOnly,
      render(messages) {
        const { system, turns } = collate(withoutEmptyAnswer(messages));
        const values = { System: system, Messages: turns.map(messageValue), Tools: [], Response: '' };
        return untilAnswer(evaluate(parsed, values), turns);
      },
    };
  }
  const whole = fields.has('response') ? parsed : withResponse(parsed);
  const last = untilResponse(whole);
  return {
    isPromptOnly,
    render(messages) {
      const rounds = roundsOf(collate(messages).turns);
      return rounds.flatMap((round, i) => evaluate(i < rounds.length - 1 ? whole : last, { ...round }));
    },
  };
}

/** What no request asks for yet. */
const unasked = { Think: false, ThinkLevel: '', IsThinkSet: false };

function isOnlyPrompt({ root }: Template): boolean {
  const [node, ...others] = root.filter(({ kind, ...rest }) => kind !== 'text' || !isBlank(rest));
  return node !== undefined && others.length === 0 && writtenField(node) === 'Prompt';
}

const isBlank = (node: object) => 'text' in node && typeof node.text === 'string' && node.text.trim() === '';

function messageValue({ role, content }: Turn): GoValue {
  return new GoStruct({
    Role: role,
    Content: content,
    Thinking: '',
    Images: [],
    ToolCalls: [],
    ToolName: '',
    ToolCallID: '',
  });
}

/** An answer that has begun with nothing has not begun. */
function withoutEmptyAnswer(messages: readonly Message[]): readonly Message[] {
  const last = messages.at(-1);
  return last?.role === 'assistant' && last.content === '' ? messages.slice(0, -1) : messages;
}

/** Templates with `.Messages` close every turn and open one for the answer; an answer that has begun goes on instead. */
function untilAnswer(pieces: readonly Piece[], turns: readonly Turn[]): readonly Piece[] {
  const last = turns.at(-1);
  if (last?.role !== 'assistant') return pieces;
  const end = piecesOf(last.content).at(-1);
  const at = typeof end === 'object' ? pieces.lastIndexOf(end) : -1;
  return at < 0 ? pieces : pieces.slice(0, at + 1);
}

/** What a template without `.Messages` gets at once. */
interface Round {
  System: GoString;
  Prompt: GoString;
  Response: GoString;
}

/** A round ends where the next message has no place in it any more. The last one waits for its answer. */
function roundsOf(turns: readonly Turn[]): Round[] {
  const rounds: Round[] = [];
  let round: Round = { System: '', Prompt: '', Response: '' };
  const next = () => {
    rounds.push(round);
    round = { System: '', Prompt: '', Response: '' };
  };
  for (const { role, content } of turns) {
    if (role === 'assistant') {
      round.Response = content;
    } else if (role === 'user') {
      if (round.Response !== '') next();
      round.Prompt = content;
    } else {
      if (round.Prompt !== '' || round.Response !== '') next();
      round.System = content;
    }
  }
  return [...rounds, round];
}
