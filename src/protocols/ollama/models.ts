import { z } from 'zod';
import type { GgufFacts } from '../../api/model-status.ts';
import { modelField } from '../openai/sampling.ts';
import { requestOf } from '../request.ts';

/** GET /api/tags, GET /api/ps, POST /api/show and GET /api/version: https://docs.ollama.com/api */

/** The release of Ollama whose API is followed. Clients compare it to learn what they may ask for. */
export const ollamaVersion = '0.32.15';

const details = z.object({
  parent_model: z.string(),
  format: z.literal('gguf'),
  /** The architecture. */
  family: z.string(),
  families: z.array(z.string()),
  /** As people write it: 8.0B. */
  parameter_size: z.string(),
  quantization_level: z.string(),
});
export type OllamaDetails = z.infer<typeof details>;

/** As the header of a file tells them. */
export function ollamaDetails(facts: GgufFacts = {}): OllamaDetails {
  const { architecture = 'unknown', parameters = '', quantization = 'unknown' } = facts;
  return {
    parent_model: '',
    format: 'gguf',
    family: architecture,
    families: [architecture],
    parameter_size: parameters,
    quantization_level: quantization,
  };
}

const model = {
  name: z.string(),
  model: z.string(),
  /** Bytes: of the files where models are listed, of memory where loaded ones are. */
  size: z.int(),
  /** SHA-256 of the file, or of the first where there are several; absent where it is not known. */
  digest: z.string().optional(),
  details,
};

export const OllamaTags = z
  .object({
    models: z.array(z.object({ ...model, modified_at: z.iso.datetime() })),
  })
  .meta({ title: 'OllamaTags' });
export type OllamaTags = z.infer<typeof OllamaTags>;

export const OllamaRunning = z
  .object({
    models: z.array(
      z.object({
        ...model,
        /** Far away: the model stays as long as the server runs. */
        expires_at: z.iso.datetime(),
        /** Bytes on GPUs. */
        size_vram: z.int(),
        /** Tokens that a request has. */
        context_length: z.int(),
      }),
    ),
  })
  .meta({ title: 'OllamaRunning' });
export type OllamaRunning = z.infer<typeof OllamaRunning>;

export const ollamaShowFields = {
  works: {
    model: modelField,
    name: z.string().nullish().describe('The older name of `model`.'),
    verbose: z
      .boolean()
      .nullish()
      .describe(
        'Whether `tensors` are told too. Lists of more than 512 are null anyway: they are megabytes.',
      ),
  },
  ignored: {
    system: 'The model is shown as it is.',
    template: 'The model is shown as it is.',
    options: 'The model is shown as it is.',
  },
  refused: {},
} as const;

export const OllamaShowRequest = requestOf(ollamaShowFields).meta({ title: 'OllamaShowRequest' });

export const OllamaShown = z
  .object({
    license: z.string().optional(),
    /** A line for each: name, blanks, value. */
    parameters: z.string(),
    template: z.string(),
    system: z.string().optional(),
    messages: z.array(z.object({ role: z.string(), content: z.string() })).optional(),
    details,
    /** What the header of the file says, by its keys; null is what is long. */
    model_info: z.record(z.string(), z.unknown()),
    /** Where the request is verbose. */
    tensors: z.array(z.object({ name: z.string(), type: z.string(), shape: z.array(z.int()) })).optional(),
    capabilities: z.array(z.enum(['completion', 'embedding', 'insert', 'tools', 'thinking'])),
    modified_at: z.iso.datetime(),
  })
  .meta({ title: 'OllamaShown' });
export type OllamaShown = z.infer<typeof OllamaShown>;

export const OllamaVersion = z.object({ version: z.string() }).meta({ title: 'OllamaVersion' });
export type OllamaVersion = z.infer<typeof OllamaVersion>;
