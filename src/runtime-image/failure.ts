import { existsSync, statSync } from 'node:fs';
import { InsufficientMemoryError, NoBinaryFoundError } from 'node-llama-cpp';
import { NoApiKeys } from './api-keys.ts';
import type { RuntimeFailure, RuntimeSettings } from '../protocols/runtime.ts';
import { settingsVariable } from '../protocols/runtime.ts';
import { CacheTypeRefused } from './cache-options.ts';
import { DoesNotFit } from './fit.ts';
import { GpuNotUsable } from './gpu.ts';
import { LlamaLoadError } from './llama.ts';
import { LayerError } from './ollama/layers.ts';
import { DraftRefused } from './speculation/compatible.ts';

/** Bytes that Kubernetes keeps of a termination message; the JSON around the text takes some of them. */
const longestMessage = 3500;

/** What is written to the termination log, so that the operator can say it in the ModelServer's conditions. */
export function failureOf(error: unknown, settings?: RuntimeSettings): RuntimeFailure {
  const message = describe(error, settings).slice(0, longestMessage);
  return { failure: { reason: reasonOf(error), message } };
}

function reasonOf(error: unknown): RuntimeFailure['failure']['reason'] {
  if (error instanceof NoApiKeys) return 'ApiKeysNotFound';
  if (!(error instanceof LlamaLoadError)) return 'LoadFailed';
  if (error.cause instanceof GpuNotUsable) return 'GPUNotUsable';
  if (error.cause instanceof DraftRefused) return 'IncompatibleDraft';
  if (isOfAdapter(error)) return 'IncompatibleAdapter';
  if (!lacksMemory(error)) return 'LoadFailed';
  const { cause } = error;
  const onGpu =
    cause instanceof DoesNotFit ? cause.place === 'GPU memory' : /VRAM|CUDA|Vulkan/i.test(detailsOf(error));
  return onGpu ? 'InsufficientGPUMemory' : 'InsufficientMemory';
}

const isOfAdapter = ({ message }: LlamaLoadError) => /LoRA adapter/.test(message);

function lacksMemory(error: LlamaLoadError): boolean {
  return (
    error.cause instanceof DoesNotFit ||
    error.cause instanceof InsufficientMemoryError ||
    /insufficient memory|failed to allocate|too large to fit/i.test(detailsOf(error))
  );
}

const detailsOf = (error: LlamaLoadError) => [messageOf(error), ...error.complaints].join(' | ');

function describe(error: unknown, settings?: RuntimeSettings): string {
  if (!settings)
    return `${settingsVariable} cannot be read: ${messageOf(error)}. The operator and this image may be of different releases.`;
  if (error instanceof NoApiKeys && settings.apiKeys) {
    return `${settings.apiKeys.name} does not exist, or holds no API key. Create it with a key in each of its values.`;
  }
  if (error instanceof LlamaLoadError) return loadFailure(settings, error);
  return `The server of ${settings.modelPath} could not start: ${messageOf(error)}. Look at its log.`;
}

/** What happened, to which file, what to do next. */
function loadFailure(settings: RuntimeSettings, error: LlamaLoadError): string {
  const { modelPath, parallel } = settings;
  const { cause } = error;
  const details = detailsOf(error);
  if (cause instanceof LayerError) return cause.message;
  if (cause instanceof GpuNotUsable) {
    return `The image of this server computes on GPUs, and can use none: ${cause.message}.`;
  }
  if (!existsSync(modelPath)) {
    return `${modelPath} does not exist. Check that the volume of the model is mounted and that the pull has ended.`;
  }
  if (cause instanceof NoBinaryFoundError) {
    return `No llama.cpp of this image runs on this node (${process.platform} ${process.arch}), so ${modelPath} was not loaded. Serve it on a node with another CPU, or with an image built for this one.`;
  }
  if (cause instanceof DoesNotFit) {
    return (
      `${modelPath} ${cause.message}. ` +
      `Lower spec.runtime.contextSize or parallel, ${cause.place === 'memory' ? 'raise spec.pod.resources.limits.memory, ' : 'ask for more GPUs, '}or serve a smaller quantization.`
    );
  }
  if (lacksMemory(error)) {
    return (
      `${modelPath} (${statSync(modelPath).size} bytes), with ${parallel} sequences, does not fit into memory: ${details}. ` +
      'Give the server more memory, or lower its context size, its parallel sequences or the quantization.'
    );
  }
  if (cause instanceof CacheTypeRefused) return `${modelPath} was not loaded: ${cause.message}`;
  if (cause instanceof DraftRefused) {
    const what = settings.draftModelPath ?? 'its own text';
    return `${modelPath} was not loaded, because ${what} cannot draft for it: ${cause.message}.`;
  }
  if (isOfAdapter(error)) {
    return `${modelPath} was not loaded, because an adapter does not fit it: ${details}. Use an adapter that was made for this model.`;
  }
  if (/unknown model architecture/i.test(details)) {
    return `This release of llama.cpp does not know the architecture of ${modelPath}: ${details}. Serve it with a newer image.`;
  }
  return `${modelPath} could not be loaded: ${details}. Check that it is a whole GGUF file; delete the Model and create it again to pull it anew.`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
