import { tensorTypeName } from '../../../gguf/header.ts';
import type { TensorInfo } from '../../../gguf/parse.ts';
import {
  ollamaDetails,
  OllamaRunning,
  type OllamaShown,
  OllamaShowRequest,
  OllamaTags,
  OllamaVersion,
  ollamaVersion,
} from '../../../protocols/ollama/models.ts';
import type { App } from '../../app.ts';
import type { Engine, GenerationDefaults } from '../../engine.ts';
import { stillLoading } from '../../errors.ts';
import { inference } from '../../../http-server/openapi/inference.ts';
import type { Content, Operation } from '../../../http-server/openapi/operation.ts';
import { json, text } from '../../../http-server/openapi/operation.ts';
import type { ServedAdapter, ServedModel } from '../../served-model.ts';
import type { RuntimeState } from '../../state.ts';
import type { Serving } from '../asked.ts';
import { ollamaEngineFor } from './asked.ts';

/** When a model that stays is unloaded; far away, and not so far that a client's clock overflows. */
const never = '2300-01-01T00:00:00.000Z';

const operationOf = (
  id: string,
  summary: string,
  answer: Content,
  errors: Operation['errors'] = [],
): Operation => ({ id, api: 'Ollama', summary, answers: { 200: [answer] }, errors });

const running = operationOf('running', 'The words `Ollama is running`', text);
const version = operationOf('version', 'The release of Ollama whose API this is', json(OllamaVersion));
const tags = operationOf('tags', 'The model that is served, as a list', json(OllamaTags), [503]);
const ps = operationOf('ps', 'What is loaded', json(OllamaRunning));

/** What Ollama's clients ask before they ask a model. */
export function ollamaModelRoutes(app: App, serving: Serving): void {
  const { state } = serving;

  // Clients look at the very words. Fastify answers HEAD as it does GET.
  app.get('/', { config: { operation: running } }, (_request, reply) =>
    reply.type('text/plain; charset=utf-8').send('Ollama is running'),
  );

  app.get('/api/version', { config: { operation: version } }, (): OllamaVersion => ({
    version: ollamaVersion,
  }));

  app.get('/api/tags', { config: { operation: tags } }, (): OllamaTags => {
    const model = servedModel(state);
    const { names } = state;
    const files = [...names.map((name) => ({ ...model, name })), ...model.adapters];
    return {
      models: files.map((file) => ({
        ...listed(state, model, file),
        modified_at: file.modifiedAt.toISOString(),
      })),
    };
  });

  app.get('/api/ps', { config: { operation: ps } }, (): OllamaRunning => {
    const { model, engine } = state;
    if (!model || !engine) return { models: [] };
    const loaded = [{ ...model, name: state.servedName }, ...model.adapters];
    return {
      models: loaded.map((one) => ({
        ...listed(state, model, one),
        size: one.usage.ram + one.usage.vram,
        size_vram: one.usage.vram,
        expires_at: never,
        context_length: engine.contextSize,
      })),
    };
  });

  const described = { schema: { body: OllamaShowRequest }, config: { operation: inference['/api/show'] } };
  app.post('/api/show', described, (request): OllamaShown => {
    const engine = ollamaEngineFor(serving, request.body.model || request.body.name);
    return shown(servedModel(state), engine, request.body.verbose === true);
  });
}

function servedModel({ model, load }: RuntimeState): ServedModel {
  if (!model) throw stillLoading(load.percent);
  return model;
}

/** The model, or an adapter of it, which is told by the model that it is for. */
function listed(
  { servedName, names }: RuntimeState,
  model: ServedModel,
  { name, sizeBytes, digest }: Pick<ServedAdapter, 'name' | 'sizeBytes' | 'digest'>,
) {
  return {
    name,
    model: name,
    size: sizeBytes,
    ...(digest !== undefined && { digest }),
    details: { ...ollamaDetails(model.facts), ...(!names.includes(name) && { parent_model: servedName }) },
  };
}

function shown(model: ServedModel, engine: Engine, verbose: boolean): OllamaShown {
  const { facts, template, system, messages, metadata } = model;
  const { 'tokenizer.chat_template': ownTemplate, ...info } = metadata;
  return {
    ...(facts.license !== undefined && { license: facts.license }),
    parameters: parametersOf(engine),
    template: template ?? (typeof ownTemplate === 'string' ? ownTemplate : ''),
    ...(system !== undefined && { system }),
    ...(messages.length > 0 && { messages: messages.map(({ role, content }) => ({ role, content })) }),
    details: ollamaDetails(model.facts),
    // Whole numbers of 64 bits have no place in JSON.
    model_info: Object.fromEntries(Object.entries(info).map(([key, value]) => [key, withoutBigInts(value)])),
    ...(verbose && { tensors: model.tensors.map(tensorOf) }),
    capabilities: capabilitiesOf(model, engine),
    modified_at: model.modifiedAt.toISOString(),
  };
}

const withoutBigInts = (value: ServedModel['metadata'][string]): unknown =>
  Array.isArray(value) ? value.map(plain) : plain(value);

const plain = (value: unknown) => (typeof value === 'bigint' ? Number(value) : value);

const tensorOf = ({ name, type, shape }: TensorInfo) => ({
  name,
  type: tensorTypeName(type) ?? `type ${type}`,
  shape: [...shape],
});

/** A model that pools what it reads is one for embeddings, and nothing else. */
function capabilitiesOf(
  { facts, metadata }: ServedModel,
  { abilities }: Engine,
): OllamaShown['capabilities'] {
  if (`${facts.architecture}.pooling_type` in metadata) return ['embedding'];
  return [
    'completion',
    ...(abilities.tools ? ['tools' as const] : []),
    ...(abilities.infill ? ['insert' as const] : []),
    ...(abilities.thoughts ? ['thinking' as const] : []),
  ];
}

const optionNames: Record<keyof GenerationDefaults, string> = {
  temperature: 'temperature',
  topP: 'top_p',
  topK: 'top_k',
  minP: 'min_p',
  seed: 'seed',
  presencePenalty: 'presence_penalty',
  frequencyPenalty: 'frequency_penalty',
  repeatPenalty: 'repeat_penalty',
  repeatLastTokens: 'repeat_last_n',
  maxTokens: 'num_predict',
  logitBias: 'logit_bias',
};

/** What a request gets that says nothing; written as Ollama does. */
function parametersOf({ contextSize, defaults }: Engine): string {
  const { logitBias: _, ...named } = defaults;
  const given = Object.entries(named).map(
    ([name, value]) => [optionNames[name as keyof typeof named], value] as const,
  );
  return [['num_ctx', contextSize] as const, ...given]
    .map(([name, value]) => `${name.padEnd(30)} ${value}`)
    .join('\n');
}
