import { z } from 'zod';
import { cacheTypes } from '../api/model-status.ts';

/**
 * What operator and runtime say to each other: settings go in by environment, the load is seen over HTTP, and the
 * reason of an end stands in the termination message.
 */

/** The port of every endpoint of the runtime. */
export const runtimePort = 8080;

/** What the images of the runtime compute with. */
export const variants = ['cpu', 'cuda', 'vulkan'] as const;
export type Variant = (typeof variants)[number];

/** Where the runtime finds API keys. */
export const apiKeysFolder = '/api-keys';

/** The environment variable that carries RuntimeSettings as JSON. */
export const settingsVariable = 'LONGSHORE_SETTINGS';

/** The environment variable with the seconds that a process which is to end has for the answers it has begun. */
export const graceVariable = 'LONGSHORE_GRACE_SECONDS';

/** Of every answer: the digest of the weights that it was made with, or that are being loaded. */
export const modelDigestHeader = 'longshore-model-digest';

export const RuntimeSettings = z.object({
  /** What clients send as `model`, and what /v1/models lists. */
  servedName: z.string(),
  /** Further names of the same model. */
  servedNames: z.array(z.string()).optional(),
  /** The GGUF file to load; of a model in pieces the first. */
  modelPath: z.string(),
  /** Of the weights, as the Model has published it. */
  modelDigest: z.string().optional(),
  /** GGUF files of LoRA adapters, applied to the weights at full scale. */
  adapterPaths: z.array(z.string()).optional(),
  /** LoRA adapters that requests choose between, by sending their name as `model`. */
  adapters: z
    .array(
      z.object({
        name: z.string(),
        path: z.string(),
        /** Of what it adds to the weights; 1 is all of it. */
        scale: z.number(),
      }),
    )
    .optional(),
  /** The GGUF file of a smaller model that drafts for this one. */
  draftModelPath: z.string().optional(),
  /** Whether answers are drafted from what stands in the text already; absent: they are not. */
  promptLookup: z.boolean().optional(),
  /** Files that say how an Ollama model chats: its template, params, system and messages layers. */
  ollama: z
    .object({
      templatePath: z.string().optional(),
      paramsPath: z.string().optional(),
      systemPath: z.string().optional(),
      messagesPath: z.string().optional(),
    })
    .optional(),
  /** Tokens per sequence; absent: what fits, at most what the model was trained for. */
  contextSize: z.int().optional(),
  /** Sequences decoded together. */
  parallel: z.int(),
  /** Whether a GPU was asked for. */
  gpu: z.boolean(),
  /** Layers that GPUs hold; absent: all. */
  gpuLayers: z.int().optional(),
  /** Of keys and values; absent: f16. */
  kvCacheType: z.enum(cacheTypes).optional(),
  /** Absent: where model and hardware allow it. */
  flashAttention: z.boolean().optional(),
  /** Whether layers with a window keep the whole context; absent: they do not. */
  swaFullCache: z.boolean().optional(),
  /** Who may ask: whoever has one of the keys in this file, or folder of files. Absent: everybody. */
  apiKeys: z
    .object({
      path: z.string(),
      /** What people know it by. */
      name: z.string(),
    })
    .optional(),
});
export type RuntimeSettings = z.infer<typeof RuntimeSettings>;

/** `GET /load`: answers from the moment the process listens, before the weights are loaded. */
export const LoadState = z.object({
  phase: z.enum(['loading', 'ready', 'failed']),
  percent: z.int().min(0).max(100),
  /** Tokens that a request has, once that is known. */
  contextSize: z.int().min(1).optional(),
  /** How chats are rendered, once that is known. */
  chat: z
    .object({
      /** A sentence for people. */
      description: z.string(),
      /** Why the template that came with the model is not the one in use. */
      problem: z.string().optional(),
    })
    .optional(),
});
export type LoadState = z.infer<typeof LoadState>;

/** The termination message of a runtime that cannot serve. */
export const RuntimeFailure = z.object({
  failure: z.object({
    reason: z.enum([
      'LoadFailed',
      'InsufficientMemory',
      'InsufficientGPUMemory',
      'GPUNotUsable',
      'IncompatibleAdapter',
      'IncompatibleDraft',
      'ApiKeysNotFound',
    ]),
    message: z.string(),
  }),
});
export type RuntimeFailure = z.infer<typeof RuntimeFailure>;
