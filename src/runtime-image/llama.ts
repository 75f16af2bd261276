import { totalmem } from 'node:os';
import type { Llama, LlamaModel } from 'node-llama-cpp';
import { GgufInsights, LlamaLogLevel, readGgufFileInfo } from 'node-llama-cpp';
import type { Logger } from 'pino';
import type { RuntimeSettings, Variant } from '../protocols/runtime.ts';
import { cacheOptions, ensureCacheType } from './cache-options.ts';
import { chatFormatOf } from './chat/chosen-format.ts';
import type { ChatState } from './chat/format.ts';
import { fittingContextSize, memoryLimit } from './context-size.ts';
import { makeContexts } from './contexts.ts';
import type { Engine } from './engine.ts';
import { ensureGgufHeader } from './gguf-header.ts';
import { llamaFor } from './gpu.ts';
import { llamaEngine, maxQueued } from './llama-engine.ts';
import type { ModelFile } from './model-file.ts';
import { readModelFile } from './model-file.ts';
import { readOllamaLayers } from './ollama/layers.ts';
import { contextsOf, ensureRoom } from './room.ts';
import { samplerGarbage } from './sampler-garbage.ts';
import type { ServedModel } from './served-model.ts';
import { noSideContexts, sideContexts } from './side-contexts.ts';
import { ensureSameVocabulary, ensureTakesBack } from './speculation/compatible.ts';

export interface LoadOptions {
  settings: RuntimeSettings;
  /** Of the image; absent outside of one. */
  variant: Variant | undefined;
  /** Threads that compute; see threads.ts. */
  threads: number;
  /** Called with 0 to 1 while the weights are read. */
  onProgress: (fraction: number) => void;
  log: Logger;
}

export interface LoadedEngine {
  engine: Engine;
  /** Those of the adapters, by name. */
  adapters: ReadonlyMap<string, Engine>;
  /** How chats are rendered. */
  chat: ChatState;
  model: ServedModel;
}

/** @throws LlamaLoadError */
export async function loadEngine(options: LoadOptions): Promise<LoadedEngine> {
  const complaints: string[] = [];
  try {
    return await load(options, complaints);
  } catch (cause) {
    throw new LlamaLoadError(cause, complaints.slice(-5));
  }
}

/** The model could not be loaded; `complaints` are the last errors that llama.cpp logged, which say why. */
export class LlamaLoadError extends Error {
  override readonly name = 'LlamaLoadError';
  readonly complaints: readonly string[];
  constructor(cause: unknown, complaints: readonly string[]) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.complaints = complaints;
  }
}

async function load(options: LoadOptions, complaints: string[]): Promise<LoadedEngine> {
  const { settings, threads, onProgress, log } = options;
  const layers = await readOllamaLayers(settings.ollama);
  const { contextSize: wanted, defaults, ignored } = layers.params;
  if (ignored.length > 0)
    log.info({ ignored }, 'the params layer of the Ollama model says more than is known here');
  const llama = await startLlama(options, complaints);
  const files = await readFiles(settings);
  ensureCacheType(files.model.memory, settings.kvCacheType);
  await ensureDraftable(llama, settings);
  await ensureRoom(llama, settings, files);

  const { gpuLayers = 'max', modelPath, draftModelPath } = settings;
  const model = await llama.loadModel({
    modelPath,
    ...(llama.gpu !== false && { gpuLayers }),
    onLoadProgress: onProgress,
  });
  const draft =
    draftModelPath === undefined ? undefined : await llama.loadModel({ modelPath: draftModelPath });
  const contextSize = settings.contextSize ?? (await defaultContextSize(settings, model, draft, wanted));
  const sampled = samplerGarbage();
  const contexts = await makeContexts({ model, draft, settings, contextSize, threads, sampled });
  const format = chatFormatOf(model, layers);
  if (format.state.problem !== undefined) log.warn(format.state.problem);
  const side = sideContexts({ model, threads, contextSize: contexts.own.contextSize, maxQueued });
  const { drafters } = contexts;
  const engine = llamaEngine({
    model,
    context: contexts.own,
    format,
    defaults,
    side,
    sampled,
    ...(drafters && { drafters }),
  });
  const adapters = contexts.adapters.map(({ name, context, drafters: own }) => {
    const without = noSideContexts(name, settings.servedName);
    const parts = { model, context, format, defaults, side: without, sampled, ...(own && { drafters: own }) };
    return [name, llamaEngine(parts)] as const;
  });
  for (const one of [engine, ...adapters.map(([, adapter]) => adapter)]) await one.warmUp();
  log.info(
    {
      gpu: llama.gpu,
      gpuLayers: model.gpuLayers,
      threads,
      contextSize: engine.contextSize,
      memory: { weights: model.memoryUsage, context: contexts.own.memoryUsage },
      trainedContextSize: model.trainContextSize,
      parallel: engine.parallel,
      architecture: model.architecture,
    },
    format.description,
  );
  const { template, system, messages } = layers;
  const usages = [model, contexts.own, ...contexts.ofDraft].map(({ memoryUsage }) => memoryUsage);
  return {
    engine,
    adapters: new Map(adapters),
    chat: format.state,
    model: {
      ...files.model,
      ...(template !== undefined && { template }),
      ...(system !== undefined && { system }),
      messages,
      usage: {
        ram: usages.reduce((sum, { ram }) => sum + ram, 0),
        vram: usages.reduce((sum, { vram }) => sum + vram, 0),
      },
      adapters: contexts.adapters.flatMap(({ name, context: { memoryUsage: usage } }, i) => {
        const file = files.adapters[i];
        return file ? [{ ...file, name, usage }] : [];
      }),
    },
  };
}

async function startLlama(
  { settings, variant, threads, log }: LoadOptions,
  complaints: string[],
): Promise<Llama> {
  const llama = await llamaFor(settings.gpu, variant, {
    build: 'never',
    maxThreads: threads,
    logLevel: LlamaLogLevel.warn,
    logger: (level, message) => {
      const bad = level === LlamaLogLevel.error || level === LlamaLogLevel.fatal;
      if (bad) complaints.push(message.trim());
      log[bad ? 'error' : 'debug']({ from: 'llama.cpp' }, message.trim());
    },
  });
  if (settings.gpu && llama.gpu === false) {
    log.warn('a GPU was asked for and none is used: this image computes on the CPU');
  }
  return llama;
}

/** What the headers say of all that is to be loaded. */
async function readFiles({ modelPath, draftModelPath, adapterPaths = [], adapters = [] }: RuntimeSettings) {
  const model = await readHeader(modelPath);
  const draft = draftModelPath === undefined ? undefined : await readHeader(draftModelPath);
  const always = await Promise.all(adapterPaths.map(readHeader));
  const named = await Promise.all(adapters.map(({ path }) => readHeader(path)));
  const adaptersBytes = [...always, ...named].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return { model, draft, adapters: named, adaptersBytes };
}

async function readHeader(path: string): Promise<ModelFile> {
  await ensureGgufHeader(path);
  return await readModelFile(path);
}

/** @throws DraftRefused */
async function ensureDraftable(
  llama: Llama,
  { modelPath, draftModelPath, promptLookup }: RuntimeSettings,
): Promise<void> {
  if (draftModelPath === undefined && !promptLookup) return;
  const info = await readGgufFileInfo(modelPath);
  ensureTakesBack(await GgufInsights.from(info, llama));
  if (draftModelPath !== undefined) ensureSameVocabulary(info, await readGgufFileInfo(draftModelPath));
}

async function defaultContextSize(
  settings: RuntimeSettings,
  model: LlamaModel,
  draft: LlamaModel | undefined,
  wanted: number | undefined,
): Promise<number> {
  const { parallel: sequences } = settings;
  const { forEstimate } = cacheOptions(settings);
  const isOnGpu = model.llama.gpu !== false;
  return await fittingContextSize({
    trained: model.trainContextSize,
    wanted,
    memoryLimit: memoryLimit(process.constrainedMemory(), totalmem()),
    weights: model.memoryUsage.ram + (draft?.memoryUsage.ram ?? 0),
    ...(isOnGpu && { freeOnGpu: (await model.llama.getVramState()).free }),
    estimate: async (contextSize) => {
      const own = await model.fileInsights.estimateContextResourceRequirementsV2({
        contextSize,
        sequences,
        modelGpuLayers: model.gpuLayers,
        flashAttention: model.defaultContextFlashAttention,
        ...forEstimate,
      });
      const drafts = await draft?.fileInsights.estimateContextResourceRequirementsV2({
        contextSize,
        sequences,
        modelGpuLayers: draft.gpuLayers,
        flashAttention: draft.defaultContextFlashAttention,
      });
      const count = contextsOf(settings);
      return {
        memory: count * own.cpuRam + (drafts?.cpuRam ?? 0),
        onGpu: count * own.gpuVram + (drafts?.gpuVram ?? 0),
      };
    },
  });
}
