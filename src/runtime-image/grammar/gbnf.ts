/** Text of grammars. https://github.com/ggml-org/llama.cpp/blob/master/grammars/README.md */

export interface Rules {
  /** The rule that stands for the whole. */
  name: string;
  lines: readonly string[];
}

/** A text, to the letter. */
export function literal(text: string): string {
  const escaped = text.replaceAll(/["\\]|[^ -~]/gu, (character) => {
    if (character === '"' || character === '\\') return `\\${character}`;
    const code = character.codePointAt(0) ?? 0;
    return code > 0xffff ? `\\U${hex(code, 8)}` : `\\u${hex(code, 4)}`;
  });
  return `"${escaped}"`;
}

const hex = (code: number, digits: number) => code.toString(16).toUpperCase().padStart(digits, '0');

/** What node-llama-cpp puts behind JSON, so that its chats see the end; a grammar that is over ends the answer here. */
const lineBreaks = String.raw` "\n\n\n\n" [\n]*`;

/** The rules of a grammar of node-llama-cpp for JSON, named apart from those of others. */
export function rulesOfJson(grammar: string, prefix: string): Rules {
  const lines = grammar.split('\n').map((line) => {
    const rule = line.endsWith(lineBreaks) ? line.slice(0, -lineBreaks.length) : line;
    // Names stand outside of strings and of sets of characters.
    return rule.replaceAll(/"(?:\\.|[^"\\])*"|\[(?:\\.|[^\]\\])*\]|[A-Za-z][\w-]*/g, (part) =>
      /^[A-Za-z]/.test(part) ? `${prefix}-${part}` : part,
    );
  });
  return { name: `${prefix}-root`, lines };
}

/** A grammar whose root is one of these. */
export function grammarOf(alternatives: readonly Rules[]): string {
  const root = alternatives.map(({ name }) => name).join(' | ');
  return [`root ::= ${root}`, ...alternatives.flatMap(({ lines }) => lines)].join('\n');
}

export interface CallRulesParts {
  /** How a call begins. */
  begin: string;
  /** Before another call; absent: there is one call. */
  between?: string | undefined;
  functions: readonly { name: string; afterName: string; end: string; parameters: Rules }[];
}

/** The most calls in one answer. */
const mostCalls = 16;

/** One call, or several behind each other. */
export function rulesOfCalls({ begin, between, functions }: CallRulesParts): Rules {
  const ways = functions.map(({ name, afterName, end, parameters }) =>
    [literal(name + afterName), parameters.name, ...(end === '' ? [] : [literal(end)])].join(' '),
  );
  const more =
    between === undefined ? '' : ` (${between === '' ? '' : `${literal(between)} `}call){0,${mostCalls - 1}}`;
  return {
    name: 'calls',
    lines: [
      `calls ::= call${more}`,
      `call ::= ${literal(begin)} (${ways.join(' | ')})`,
      ...functions.flatMap(({ parameters }) => parameters.lines),
    ],
  };
}
