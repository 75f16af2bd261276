import type { GoFunctions } from './functions.ts';
import type { Scope } from './scope.ts';
import type { Command, Operand, Pipeline } from './syntax.ts';
import type { GoValue } from './values.ts';
import { fieldOf, isTrue, Unfit } from './values.ts';
import type { Work } from './work.ts';

export interface Tools {
  readonly functions: GoFunctions;
  readonly work: Work;
}

/** The value of a pipeline, which its variables have then, too. */
export function evaluatePipeline(tools: Tools, pipeline: Pipeline, scope: Scope): GoValue {
  const [first, ...rest] = pipeline.commands;
  if (!first) return undefined;
  let value = evaluateCommand(tools, first, scope, []);
  for (const command of rest) value = evaluateCommand(tools, command, scope, [value]);
  for (const name of pipeline.variables) {
    if (pipeline.assigns) scope.set(name, value);
    else scope.declare(name, value);
  }
  return value;
}

function evaluateCommand(
  tools: Tools,
  { first, rest }: Command,
  scope: Scope,
  piped: readonly GoValue[],
): GoValue {
  if (first.kind !== 'function') return evaluateOperand(tools, first, scope);
  return call(tools, first.name, rest, scope, piped);
}

function evaluateOperand(tools: Tools, operand: Operand, scope: Scope): GoValue {
  tools.work.step();
  switch (operand.kind) {
    case 'literal':
      return operand.value;
    case 'nil':
      return undefined;
    case 'dot':
      return scope.dot;
    case 'field':
      return fieldOf(scope.dot, operand.path);
    case 'variable':
      return fieldOf(scope.get(operand.name), operand.path);
    case 'function':
      return call(tools, operand.name, [], scope, []);
    case 'pipeline':
      return evaluatePipeline(tools, operand.pipeline, scope);
    case 'chain':
      break;
  }
  return fieldOf(evaluateOperand(tools, operand.of, scope), operand.path);
}

function call(
  tools: Tools,
  name: string,
  operands: readonly Operand[],
  scope: Scope,
  piped: readonly GoValue[],
): GoValue {
  if (name === 'and' || name === 'or') {
    return shortCircuit(tools, name, operands, scope, piped);
  }
  const values = [...operands.map((operand) => evaluateOperand(tools, operand, scope)), ...piped];
  for (const value of values) tools.work.handle(value);
  return tools.functions.get(name)?.(values);
}

/** The first value that decides, or the last one: those behind it are not evaluated. */
function shortCircuit(
  tools: Tools,
  name: 'and' | 'or',
  operands: readonly Operand[],
  scope: Scope,
  piped: readonly GoValue[],
): GoValue {
  if (operands.length + piped.length === 0) throw new Unfit(`${name} needs a value`);
  let value: GoValue;
  for (const operand of operands) {
    value = evaluateOperand(tools, operand, scope);
    if (isTrue(value) === (name === 'or')) return value;
  }
  return piped.length > 0 ? piped[0] : value;
}
