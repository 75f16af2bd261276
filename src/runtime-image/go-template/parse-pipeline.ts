import type { Command, Operand, Pipeline } from './syntax.ts';
import type { TokenStream } from './token-stream.ts';

export type PipelineContext = 'action' | 'if' | 'with' | 'range' | 'template' | 'block' | 'parentheses';

/** Up to the end of the action, or to the closing parenthesis, and over it. */
export function parsePipeline(tokens: TokenStream, context: PipelineContext): Pipeline {
  const { at } = tokens.peek();
  const { variables, assigns } = declarations(tokens, context);
  const commands: Command[] = [];
  const isOver = () =>
    context === 'parentheses' ? tokens.take('mark', ')') !== undefined : tokens.take('close') !== undefined;
  do {
    commands.push(command(tokens, context, commands.length));
  } while (tokens.take('mark', '|'));
  if (!isOver()) tokens.fail(`unexpected ${tokens.peek().text || tokens.peek().kind} in ${context}`);
  return { at, variables, assigns, commands };
}

/** `$x :=`, `$x =` and, for range, `$i, $x :=`. */
function declarations(tokens: TokenStream, context: PipelineContext) {
  const [first, second, third, fourth] = tokens.ahead(4);
  const names: string[] = [];
  if (first?.kind === 'variable' && second?.text === ',' && third?.kind === 'variable') {
    if (context !== 'range') tokens.fail('only range sets two variables');
    if (fourth?.kind === 'mark' && (fourth.text === ':=' || fourth.text === '=')) {
      names.push(first.text, third.text);
    }
  } else if (first?.kind === 'variable' && second?.kind === 'mark' && /^:?=$/.test(second.text)) {
    names.push(first.text);
  }
  if (names.length === 0) return { variables: [], assigns: false };
  for (let i = 1; i < names.length * 2; i++) tokens.next();
  const assigns = tokens.next().text === '=';
  if (!assigns) tokens.variables.push(...names);
  const unknown = names.find((name) => !tokens.variables.includes(name));
  if (unknown !== undefined) tokens.fail(`undefined variable ${unknown}`, first?.at);
  return { variables: names, assigns };
}

function command(tokens: TokenStream, context: PipelineContext, stage: number): Command {
  const { at } = tokens.peek();
  const operands: Operand[] = [];
  for (;;) {
    const { kind, text, spaced } = tokens.peek();
    if (kind === 'close' || (kind === 'mark' && (text === ')' || text === '|'))) break;
    if (operands.length > 0 && !spaced) tokens.fail(`unexpected ${text}`);
    operands.push(operand(tokens));
  }
  const [first, ...rest] = operands;
  if (!first) return tokens.fail(`missing value for ${context}`);
  if (stage > 0 && first.kind !== 'function')
    tokens.fail(`part ${stage + 1} of a pipeline has to be a function`, at);
  if (first.kind === 'nil') tokens.fail('nil is not a command', at);
  if (rest.length > 0 && first.kind !== 'function')
    tokens.fail('only a function takes arguments, and this is none', at);
  return { at, first, rest };
}

function operand(tokens: TokenStream): Operand {
  const base = term(tokens);
  const { at } = tokens.peek();
  const path: string[] = [];
  for (let next = tokens.peek(); next.kind === 'field' && !next.spaced; next = tokens.peek()) {
    path.push(tokens.next().text);
  }
  if (path.length === 0) return base;
  if (base.kind === 'field' || base.kind === 'variable') return { ...base, path: [...base.path, ...path] };
  if (base.kind === 'function' || base.kind === 'pipeline') return { kind: 'chain', at, of: base, path };
  return tokens.fail(`.${path[0]} after a value that has no fields`, at);
}

function term(tokens: TokenStream): Operand {
  const { kind, text, at, value } = tokens.next();
  if (kind === 'literal') return { kind, value: value ?? '' };
  if (kind === 'dot') return { kind };
  if (kind === 'field') return { kind, at, path: [text] };
  if (kind === 'variable') {
    if (!tokens.variables.includes(text)) tokens.fail(`undefined variable ${text}`, at);
    return { kind, at, name: text, path: [] };
  }
  if (kind === 'word') return wordOf(tokens, text, at);
  if (kind !== 'mark' || text !== '(') return tokens.fail(`unexpected ${text || kind}`, at);
  return { kind: 'pipeline', pipeline: tokens.nested(() => parsePipeline(tokens, 'parentheses')) };
}

function wordOf(tokens: TokenStream, text: string, at: number): Operand {
  if (text === 'nil') return { kind: 'nil' };
  if (text === 'true' || text === 'false') return { kind: 'literal', value: text === 'true' };
  if (!tokens.functions.has(text)) tokens.fail(`the function ${text} is not supported`, at);
  return { kind: 'function', at, name: text };
}
