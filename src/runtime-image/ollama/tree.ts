import type { Node, Operand, Pipeline, Template } from '../go-template/syntax.ts';

/** Looks at templates and changes them, as Ollama does before it evaluates one. */

/** Names of all fields that a template asks for, in lower case. */
export function fieldsOf(template: Template): Set<string> {
  const names = new Set<string>();
  const operand = (one: Operand): void => {
    if ('path' in one) for (const name of one.path) names.add(name.toLowerCase());
    if (one.kind === 'pipeline') pipeline(one.pipeline);
    if (one.kind === 'chain') operand(one.of);
  };
  const pipeline = (one: Pipeline): void => {
    for (const { first, rest } of one.commands) [first, ...rest].forEach(operand);
  };
  const visit = (nodes: readonly Node[]): void => {
    for (const node of nodes) {
      if ('pipeline' in node && node.pipeline) pipeline(node.pipeline);
      if ('body' in node) [node.body, node.otherwise].forEach(visit);
    }
  };
  [template.root, ...template.definitions.values()].forEach(visit);
  return names;
}

/** The field that an action writes and does nothing else with: `{{ .Prompt }}` gives Prompt. */
export function writtenField(node: Node): string | undefined {
  if (node.kind !== 'action' || node.pipeline.variables.length > 0) return undefined;
  const [command, ...others] = node.pipeline.commands;
  if (!command || others.length > 0 || command.first.kind !== 'field') return undefined;
  return command.first.path.length === 1 ? command.first.path[0] : undefined;
}

/** With `{{ .Response }}` at its end. */
export function withResponse(template: Template): Template {
  const at = template.source.length;
  const first: Operand = { kind: 'field', at, path: ['Response'] };
  const pipeline: Pipeline = { at, variables: [], assigns: false, commands: [{ at, first, rest: [] }] };
  return { ...template, root: [...template.root, { kind: 'action', at, pipeline }] };
}

/** Without what follows the first action that uses the response: there the answer goes on. */
export function untilResponse(template: Template): Template {
  return { ...template, root: cut(template.root).kept };
}

function cut(nodes: readonly Node[]): { kept: Node[]; over: boolean } {
  const kept: Node[] = [];
  for (const node of nodes) {
    if ('body' in node) {
      const body = cut(node.body);
      const otherwise = body.over ? { kept: [], over: true } : cut(node.otherwise);
      kept.push({ ...node, body: body.kept, otherwise: otherwise.kept });
      if (otherwise.over) return { kept, over: true };
    } else {
      kept.push(node);
      if (node.kind === 'action' && usesResponse(node.pipeline)) return { kept, over: true };
    }
  }
  return { kept, over: false };
}

function usesResponse(pipeline: Pipeline): boolean {
  return pipeline.commands.some(({ first, rest }) =>
    [first, ...rest].some(
      (operand) =>
        (operand.kind === 'field' && operand.path.includes('Response')) ||
        (operand.kind === 'pipeline' && usesResponse(operand.pipeline)),
    ),
  );
}
