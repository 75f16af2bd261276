import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { RuntimeSettings } from '../../protocols/runtime.ts';
import type { Message } from '../chat/message.ts';
import type { OllamaParams } from './params.ts';
import { ollamaParams } from './params.ts';

/** What an Ollama model says about its chats, read from its layers. */
export interface OllamaLayers {
  /** A Go template, as it stands. */
  template?: string;
  system?: string;
  /** What a chat begins with, before the messages of a request. */
  messages: readonly Message[];
  params: OllamaParams;
}

/** A layer that cannot be read; the message names its file. */
export class LayerError extends Error {
  override readonly name = 'LayerError';
}

const Messages = z.array(
  z.looseObject({ role: z.enum(['system', 'user', 'assistant']), content: z.string().default('') }),
);

/** @throws LayerError */
export async function readOllamaLayers(paths: RuntimeSettings['ollama'] = {}): Promise<OllamaLayers> {
  const { templatePath, systemPath, messagesPath, paramsPath } = paths;
  return {
    ...(templatePath !== undefined && { template: await readLayer(templatePath) }),
    ...(systemPath !== undefined && { system: await readLayer(systemPath) }),
    messages: messagesPath === undefined ? [] : await readJson(messagesPath, (json) => Messages.parse(json)),
    params: paramsPath === undefined ? ollamaParams({}) : await readJson(paramsPath, ollamaParams),
  };
}

async function readLayer(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw layerError(path, 'cannot be read', cause);
  }
}

async function readJson<Result>(path: string, parse: (json: unknown) => Result): Promise<Result> {
  const text = await readLayer(path);
  try {
    return parse(JSON.parse(text));
  } catch (cause) {
    throw layerError(path, 'is not what such a layer holds', cause);
  }
}

function layerError(path: string, what: string, cause: unknown): LayerError {
  const why =
    cause instanceof z.ZodError
      ? z.prettifyError(cause)
      : cause instanceof Error
        ? cause.message
        : String(cause);
  return new LayerError(
    `The layer ${path} of the Ollama model ${what}: ${why}. Delete the Model and create it again to pull it anew, or take another tag.`,
    { cause },
  );
}
