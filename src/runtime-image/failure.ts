import { existsSync, statSync } from 'node:fs';
import { InsufficientMemoryError, NoBinaryFoundError } from 'node-llama-cpp';
import { NoApiKeys } from './api-keys.ts';
import type { RuntimeFailure, RuntimeSettings } from '../protocols/runtime.ts';
import { settingsVariable } from '../protocols/runtime.ts';
import { LlamaLoadError } from './llama.ts';
import { LayerError } from './ollama/layers.ts';

/** Bytes that Kubernetes keeps of a termination message; the JSON around the text takes some of them. */
const longestMessage = 3500;

/** What is written to the termination log, so that the operator can say it in the ModelServer's conditions. */
export function failureOf(error: unknown, settings?: RuntimeSettings): RuntimeFailure {
  const reason = error instanceof NoApiKeys ? 'ApiKeysNotFound' : 'LoadFailed';
  return { failure: { reason, message: describe(error, settings).slice(0, longestMessage) } };
}

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
  const { cause, complaints } = error;
  const details = [messageOf(error), ...complaints].join(' | ');
  if (cause instanceof LayerError) return cause.message;
  if (!existsSync(modelPath)) {
    return `${modelPath} does not exist. Check that the volume of the model is mounted and that the pull has ended.`;
  }
  if (cause instanceof NoBinaryFoundError) {
    return `No llama.cpp of this image runs on this node (${process.platform} ${process.arch}), so ${modelPath} was not loaded. Serve it on a node with another CPU, or with an image built for this one.`;
  }
  if (
    cause instanceof InsufficientMemoryError ||
    /insufficient memory|failed to allocate|too large to fit/i.test(details)
  ) {
    return (
      `${modelPath} (${statSync(modelPath).size} bytes), with ${parallel} sequences, does not fit into memory: ${details}. ` +
      'Give the server more memory, or lower its context size, its parallel sequences or the quantization.'
    );
  }
  if (/LoRA adapter/.test(error.message)) {
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
