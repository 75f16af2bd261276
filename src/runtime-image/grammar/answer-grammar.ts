import type { GbnfJsonBasicSchema, GbnfJsonSchema, Llama, LlamaGrammar } from 'node-llama-cpp';
import type { CallShape } from '../answer/shape.ts';
import type { Tool } from '../chat/tools.ts';
import type { Structure } from '../engine.ts';
import { SchemaRefused } from '../refusal.ts';
import type { Rules } from './gbnf.ts';
import { grammarOf, rulesOfCalls, rulesOfJson } from './gbnf.ts';
import { gbnfSchema } from './json-schema.ts';

export interface AnswerGrammarParts {
  structure?: Structure | undefined;
  /** Tools that may be called instead of an answer in this structure, or that one of has to be called. */
  tools: readonly Tool[];
  call?: CallShape | undefined;
  parallelCalls: boolean;
}

/** What a whole answer is held to. @throws SchemaRefused */
export async function answerGrammar(llama: Llama, parts: AnswerGrammarParts): Promise<LlamaGrammar> {
  const { structure, tools, call } = parts;
  const alternatives: Rules[] = [];
  if (structure) alternatives.push(await rulesOfSchema(llama, schemaOf(structure), 'json'));
  if (call && tools.length > 0) alternatives.push(await callRules(llama, { ...parts, call }));
  return await compiled(() => llama.createGrammar({ grammar: grammarOf(alternatives) }));
}

function schemaOf(structure: Structure): GbnfJsonSchema {
  if (structure.type === 'json') return { type: 'object', additionalProperties: true };
  return gbnfSchema(structure.schema, structure.strict);
}

async function callRules(
  llama: Llama,
  { tools, call, parallelCalls }: AnswerGrammarParts & { call: CallShape },
): Promise<Rules> {
  const functions = await Promise.all(
    tools.map(async ({ name, parameters, strict = false }, i) => ({
      name,
      afterName: call.afterName(name),
      end: call.end(name),
      parameters: await rulesOfSchema(
        llama,
        parameters ? gbnfSchema(parameters, strict) : { type: 'object', properties: {} },
        `tool${i}`,
      ),
    })),
  );
  const [begin = ''] = call.begins;
  return rulesOfCalls({ begin, between: parallelCalls ? call.between : undefined, functions });
}

async function rulesOfSchema(llama: Llama, schema: GbnfJsonSchema, prefix: string): Promise<Rules> {
  const { grammar } = await compiled(() => llama.createGrammarForJsonSchema(schema as GbnfJsonBasicSchema));
  return rulesOfJson(grammar, prefix);
}

/** llama.cpp says what it cannot read in its log only. */
async function compiled<Grammar>(compile: () => Promise<Grammar>): Promise<Grammar> {
  try {
    return await compile();
  } catch (error) {
    throw new SchemaRefused('', error instanceof Error ? error.message : String(error));
  }
}
