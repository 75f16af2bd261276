import { GoTemplateError } from './error.ts';
import { evaluatePipeline } from './evaluate-pipeline.ts';
import { textOf } from './format.ts';
import type { GoFunctions } from './functions.ts';
import { Scope } from './scope.ts';
import type { Branch, Node, Template } from './syntax.ts';
import type { Piece } from './text.ts';
import { flatten, piecesOf } from './text.ts';
import type { GoValue } from './values.ts';
import { isList, isMap, isTrue, kindOf, sortedEntries, Unfit } from './values.ts';
import { limits, Work } from './work.ts';

/** What goes through a whole evaluation. */
interface Run {
  readonly template: Template;
  readonly functions: GoFunctions;
  readonly work: Work;
  readonly written: Piece[];
}

/** How a list of nodes ended. */
type Flow = 'on' | 'break' | 'continue';

/**
 * What a template writes about `data`, in pieces that tell its own text from text out of the values.
 * @throws GoTemplateError, also where it takes more than `limits`
 */
export function evaluateTemplate(
  template: Template,
  data: GoValue,
  functions: GoFunctions,
): readonly Piece[] {
  const run: Run = { template, functions, work: new Work(), written: [] };
  walk(run, template.root, new Scope(data, 0));
  return run.written;
}

function walk(run: Run, nodes: readonly Node[], scope: Scope): Flow {
  for (const node of nodes) {
    const flow = visit(run, node, scope);
    if (flow !== 'on') return flow;
  }
  return 'on';
}

function visit(run: Run, node: Node, scope: Scope): Flow {
  return located(run, node.at, () => {
    run.work.step();
    switch (node.kind) {
      case 'text':
        write(run, [node.text]);
        return 'on';
      case 'action': {
        const value = evaluatePipeline(run, node.pipeline, scope);
        if (node.pipeline.variables.length === 0) write(run, piecesOf(textOf(value)));
        return 'on';
      }
      case 'break':
      case 'continue':
        return node.kind;
      case 'template':
        useTemplate(run, node, scope);
        return 'on';
      case 'range':
        return scope.block(() => range(run, node, scope));
      case 'if':
      case 'with':
        break;
    }
    return scope.block(() => choose(run, node, scope));
  });
}

function choose(run: Run, { kind, pipeline, body, otherwise }: Branch, scope: Scope): Flow {
  const value = evaluatePipeline(run, pipeline, scope);
  if (!isTrue(value)) return walk(run, otherwise, scope);
  return kind === 'with' ? scope.about(value, () => walk(run, body, scope)) : walk(run, body, scope);
}

function range(run: Run, { pipeline, body, otherwise }: Branch, scope: Scope): Flow {
  const value = evaluatePipeline(run, pipeline, scope);
  const { variables } = pipeline;
  let empty = true;
  for (const [key, element] of entriesOf(value, variables.length)) {
    empty = false;
    run.work.step();
    const flow = scope.block(() => {
      const [first, second] = variables;
      if (first !== undefined) scope.set(first, second === undefined ? element : key);
      if (second !== undefined) scope.set(second, element);
      return scope.about(element, () => walk(run, body, scope));
    });
    if (flow === 'break') break;
  }
  return empty ? walk(run, otherwise, scope) : 'on';
}

function* entriesOf(value: GoValue, variables: number): Generator<readonly [GoValue, GoValue]> {
  if (value === undefined) return;
  if (isList(value)) {
    for (const [index, element] of value.entries()) yield [BigInt(index), element];
  } else if (isMap(value)) {
    yield* sortedEntries(value);
  } else if (typeof value === 'bigint') {
    if (variables > 1) throw new Unfit('a range over an int sets one variable');
    for (let i = 0n; i < value; i++) yield [undefined, i];
  } else {
    throw new Unfit(`there is no range over ${kindOf(value)}`);
  }
}

function useTemplate(run: Run, { name, pipeline }: Node & { kind: 'template' }, scope: Scope): void {
  const nodes = run.template.definitions.get(name);
  if (!nodes) throw new Unfit(`there is no template ${JSON.stringify(name)}`);
  if (scope.depth >= limits.depth) throw new Unfit(`more than ${limits.depth} templates use each other`);
  const data = pipeline && evaluatePipeline(run, pipeline, scope);
  walk(run, nodes, new Scope(data, scope.depth + 1));
}

function write({ work, written }: Run, pieces: readonly Piece[]): void {
  for (const piece of pieces) {
    work.write(flatten(piece).length);
    written.push(piece);
  }
}

/** Says where the template asked for what cannot be done. */
function located<Result>({ template }: Run, at: number, evaluate: () => Result): Result {
  try {
    return evaluate();
  } catch (error) {
    if (error instanceof Unfit) throw new GoTemplateError(template.source, at, error.message, error);
    throw error;
  }
}
