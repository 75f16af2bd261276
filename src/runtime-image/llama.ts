import { totalmem } from 'node:os';
import type { LlamaContextOptions, LlamaModel } from 'node-llama-cpp';
import { LlamaLogLevel } from 'node-llama-cpp';
import type { Logger } from 'pino';
import type { RuntimeSettings, Variant } from '../protocols/runtime.ts';
import { chatFormatOf } from './chat/chosen-format.ts';
import type { ChatState } from './chat/format.ts';
import { fittingContextSize, memoryLimit } from './context-size.ts';
import type { Engine } from './engine.ts';
import { ensureGgufHeader } from './gguf-header.ts';
import { llamaFor } from './gpu.ts';
import { llamaEngine } from './llama-engine.ts';
import { readOllamaLayers } from './ollama/layers.ts';
import { readModelFile } from './model-file.ts';
import { ensureRoom } from './room.ts';
import type { ServedModel } from './served-model.ts';

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

async function load(
  { settings, variant, threads, onProgress, log }: LoadOptions,
  complaints: string[],
): Promise<LoadedEngine> {
  const layers = await readOllamaLayers(settings.ollama);
  const { contextSize: wanted, defaults, ignored } = layers.params;
  if (ignored.length > 0)
    log.info({ ignored }, 'the params layer of the Ollama model says more than is known here');
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
  await ensureGgufHeader(settings.modelPath);
  const file = await readModelFile(settings.modelPath);
  await ensureRoom(llama, settings, file);
  const model = await llama.loadModel({ modelPath: settings.modelPath, onLoadProgress: onProgress });
  const context = await model.createContext({
    sequences: settings.parallel,
    contextSize: settings.contextSize ?? (await defaultContextSize(model, settings.parallel, wanted)),
    threads,
    ...loraOf(settings.adapterPaths),
  });
  const chat = chatFormatOf(model, layers);
  if (chat.state.problem !== undefined) log.warn(chat.state.problem);
  log.info(
    {
      gpu: llama.gpu,
      threads,
      contextSize: context.contextSize,
      memory: { weights: model.memoryUsage, context: context.memoryUsage },
      trainedContextSize: model.trainContextSize,
      parallel: context.totalSequences,
      architecture: model.architecture,
    },
    chat.description,
  );
  const { template, system, messages } = layers;
  return {
    engine: llamaEngine({ model, context, format: chat, defaults, threads }),
    chat: chat.state,
    model: {
      ...file,
      ...(template !== undefined && { template }),
      ...(system !== undefined && { system }),
      messages,
      usage: {
        ram: model.memoryUsage.ram + context.memoryUsage.ram,
        vram: model.memoryUsage.vram + context.memoryUsage.vram,
      },
    },
  };
}

/** llama.cpp refuses an adapter that does not fit, and says why. */
function loraOf(paths: readonly string[] = []): Pick<LlamaContextOptions, 'lora'> {
  return paths.length === 0 ? {} : { lora: { adapters: paths.map((filePath) => ({ filePath, scale: 1 })) } };
}

function defaultContextSize(model: LlamaModel, sequences: number, wanted?: number): Promise<number> {
  return fittingContextSize({
    trained: model.trainContextSize,
    wanted,
    memoryLimit: memoryLimit(process.constrainedMemory(), totalmem()),
    weights: model.memoryUsage.ram,
    estimate: async (contextSize) => {
      const { gpuLayers, fileInsights } = model;
      const needed = await fileInsights.estimateContextResourceRequirementsV2({
        contextSize,
        sequences,
        modelGpuLayers: gpuLayers,
        flashAttention: model.defaultContextFlashAttention,
      });
      return needed.cpuRam;
    },
  });
}
