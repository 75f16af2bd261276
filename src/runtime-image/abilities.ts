import type { LlamaModel } from 'node-llama-cpp';
import type { AnswerShape } from './answer/shape.ts';
import type { ChatFormat } from './chat/format.ts';
import type { Tool } from './chat/tools.ts';
import type { Abilities } from './engine.ts';
import { ChatTemplateRefused } from './refusal.ts';

const aTool: Tool = { name: 'look', description: 'Looks.', parameters: { type: 'object', properties: {} } };

/** What a model can do by its vocabulary, and by how a chat is rendered. */
export function abilitiesOf({ tokens }: Pick<LlamaModel, 'tokens'>, format: ChatFormat): Abilities {
  const { prefix, suffix, middle } = tokens.infill;
  const call = shapeOf(format, [aTool]).call?.begins[0] ?? '';
  return {
    tools: call.trim() !== '',
    thoughts: shapeOf(format, []).thought !== undefined,
    infill: prefix !== null && suffix !== null && middle !== null,
  };
}

function shapeOf(format: ChatFormat, tools: readonly Tool[]): AnswerShape {
  try {
    return format.render([{ role: 'user', content: 'Hello' }], tools).answer;
  } catch (error) {
    // A template that wants another chat than this says nothing of what it could do.
    if (error instanceof ChatTemplateRefused) return {};
    throw error;
  }
}
