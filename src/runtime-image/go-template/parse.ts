import { parsePipeline } from './parse-pipeline.ts';
import type { Branch, Node, Template } from './syntax.ts';
import { TokenStream } from './token-stream.ts';

/** Words that end a list of nodes. */
type Terminator = 'end' | 'else' | undefined;

interface State {
  readonly tokens: TokenStream;
  readonly definitions: Map<string, readonly Node[]>;
  /** Ranges around this place, which break and continue need. */
  ranges: number;
  /** Everything else around this place. */
  blocks: number;
}

/**
 * Reads a template of Go's text/template. https://pkg.go.dev/text/template
 * @param functions names that it may call
 * @throws GoTemplateError
 */
export function parseTemplate(source: string, functions: ReadonlySet<string>): Template {
  const state: State = {
    tokens: new TokenStream(source, functions),
    definitions: new Map(),
    ranges: 0,
    blocks: 0,
  };
  const { nodes, terminator } = parseNodes(state);
  if (terminator) state.tokens.fail(`unexpected ${terminator}`);
  return { source, root: nodes, definitions: state.definitions };
}

/** Nodes up to an `end` or `else`, of which the word is consumed and nothing behind it, or to the end of the template. */
function parseNodes(state: State): { nodes: Node[]; terminator: Terminator } {
  const { tokens } = state;
  const nodes: Node[] = [];
  for (;;) {
    const token = tokens.next();
    if (token.kind === 'text') {
      nodes.push({ kind: 'text', at: token.at, text: token.text });
      continue;
    }
    if (token.kind === 'end of template') {
      if (state.blocks > 0) tokens.fail('unexpected end of the template: an end is missing', token.at);
      return { nodes, terminator: undefined };
    }
    if (tokens.take('word', 'end')) return { nodes, terminator: 'end' };
    if (tokens.take('word', 'else')) return { nodes, terminator: 'else' };
    const node = parseAction(state);
    if (node) nodes.push(node);
  }
}

function parseAction(state: State): Node | undefined {
  const { tokens } = state;
  const { kind, text, at } = tokens.peek();
  switch (kind === 'word' ? text : '') {
    case 'if':
    case 'with':
    case 'range':
      tokens.next();
      return parseBranch(state, text as Branch['kind'], at);
    case 'break':
    case 'continue':
      tokens.next();
      if (state.ranges === 0) tokens.fail(`${text} outside of a range`, at);
      tokens.expect('close', '}}');
      return { kind: text as 'break' | 'continue', at };
    case 'define':
      tokens.next();
      return parseDefine(state, at);
    case 'template': {
      tokens.next();
      const name = parseName(tokens);
      if (tokens.take('close')) return { kind: 'template', at, name };
      return { kind: 'template', at, name, pipeline: parsePipeline(tokens, 'template') };
    }
    case 'block': {
      tokens.next();
      const name = parseName(tokens);
      const pipeline = parsePipeline(tokens, 'block');
      define(state, name, at);
      return { kind: 'template', at, name, pipeline };
    }
    default:
      return { kind: 'action', at, pipeline: parsePipeline(tokens, 'action') };
  }
}

function parseBranch(state: State, kind: Branch['kind'], at: number): Branch {
  const { tokens } = state;
  return tokens.nested(() => {
    const outer = [...tokens.variables];
    const pipeline = parsePipeline(tokens, kind);
    if (kind === 'range') state.ranges++;
    state.blocks++;
    const { nodes: body, terminator } = parseNodes(state);
    if (kind === 'range') state.ranges--;
    const otherwise = terminator === 'else' ? parseElse(state, kind) : [];
    if (terminator === 'end') tokens.expect('close', '}}');
    state.blocks--;
    tokens.variables = outer;
    return { kind, at, pipeline, body, otherwise };
  });
}

/** What follows the word `else`, with the `end`. `else if` and `else with` share the `end` of what they continue. */
function parseElse(state: State, kind: Branch['kind']): readonly Node[] {
  const { tokens } = state;
  const { at } = tokens.peek();
  if (kind !== 'range' && tokens.take('word', kind)) return [parseBranch(state, kind, at)];
  tokens.expect('close', '}}');
  const { nodes, terminator } = parseNodes(state);
  if (terminator !== 'end') tokens.fail('expected end, found else');
  tokens.expect('close', '}}');
  return nodes;
}

function parseDefine(state: State, at: number): undefined {
  if (state.blocks > 0) state.tokens.fail('define inside of another block', at);
  const name = parseName(state.tokens);
  state.tokens.expect('close', '}}');
  define(state, name, at);
}

/** Reads the body of a definition up to its `end`. It sees none of the variables around it. */
function define(state: State, name: string, at: number): void {
  const { tokens, definitions } = state;
  tokens.nested(() => {
    const outer = { variables: tokens.variables, ranges: state.ranges };
    tokens.variables = ['$'];
    state.ranges = 0;
    state.blocks++;
    const { nodes, terminator } = parseNodes(state);
    if (terminator !== 'end') tokens.fail('unexpected else in a definition');
    tokens.expect('close', '}}');
    state.blocks--;
    tokens.variables = outer.variables;
    state.ranges = outer.ranges;
    const before = definitions.get(name);
    if (before && !isEmpty(before) && !isEmpty(nodes))
      tokens.fail(`the template ${JSON.stringify(name)} is defined twice`, at);
    if (!before || isEmpty(before)) definitions.set(name, nodes);
  });
}

const isEmpty = (nodes: readonly Node[]) =>
  nodes.every((node) => node.kind === 'text' && node.text.trim() === '');

function parseName(tokens: TokenStream): string {
  const { kind, value, at } = tokens.next();
  if (kind !== 'literal' || typeof value !== 'string')
    return tokens.fail('expected the name of a template', at);
  return value;
}
