import { z } from 'zod';
import { ObjectName } from './kubernetes.ts';
import { cacheTypes } from './model-status.ts';

const Adapter = z.object({
  modelRef: z
    .object({
      name: ObjectName.describe('A Model in the same namespace that holds one LoRA adapter in GGUF.'),
    })
    .describe('The Model with the adapter. Clients send its name as `model` to be answered with it.'),
  scale: z
    .number()
    .min(-8)
    .max(8)
    .optional()
    .describe('How much of what it adds to the weights counts; 1 is as it was trained. Default: 1.'),
});

/** How the weights of a server are loaded, what is loaded with them, and what its context is like. */
export const RuntimeOptions = z
  .object({
    contextSize: z
      .int()
      .min(64)
      .max(16_777_216)
      .optional()
      .describe('Context per request in tokens. Default: what fits, at most what the model was trained for.'),
    parallel: z.int().min(1).max(64).default(1).describe('Requests decoded together in one replica.'),
    gpuLayers: z
      .int()
      .min(0)
      .max(4096)
      .optional()
      .describe(
        'Layers that the GPUs hold; the others stay in main memory, and the CPU computes them, many times slower. Default: all of them; a model that does not fit as a whole says how many would.',
      ),
    kvCacheType: z
      .enum(cacheTypes)
      .optional()
      .describe(
        'How keys and values of the context are kept: q8_0 takes about half of the memory of f16, q4_0 about a quarter, for answers that are a little worse. A quantized type needs flash attention, and heads of a multiple of 32. On GPUs f16, q8_0 and q4_0 are fast. Default: f16.',
      ),
    flashAttention: z
      .boolean()
      .optional()
      .describe(
        'Attention in one pass, with less memory. true asks for it, false keeps it away. Default: where the model and the hardware allow it.',
      ),
    swaFullCache: z
      .boolean()
      .optional()
      .describe(
        'Of a model whose layers look back over a window (SWA): keep the whole context of these layers too. It takes the memory that the window saves; prefixes of any length can be used again for it. Default: false.',
      ),
    adapters: z
      .array(Adapter)
      .max(8)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe(
        'LoRA adapters of the model that requests choose between by name. Each has a context of its own, which takes as much memory as that of the model.',
      ),
    draftModelRef: z
      .object({ name: ObjectName.describe('A Model in the same namespace.') })
      .optional()
      .describe(
        'A smaller Model with the same vocabulary that drafts the next tokens: those that the served model would have chosen too are computed together. Answers stay the same, but for rounding.',
      ),
    promptLookup: z
      .boolean()
      .optional()
      .describe(
        'Draft the next tokens from what stands in the prompt and the answer already: for answers that quote. It takes no memory. Default: false.',
      ),
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: '!has(self.adapters) || self.adapters.all(one, self.adapters.exists_one(other, other.modelRef.name == one.modelRef.name))',
        message: 'adapters: each has to name another Model',
      },
      {
        rule: '!has(self.draftModelRef) || !has(self.promptLookup) || !self.promptLookup',
        message: 'promptLookup: leave it out where a draftModelRef drafts',
      },
      {
        rule: "!has(self.kvCacheType) || self.kvCacheType in ['f32', 'f16', 'bf16'] || !has(self.flashAttention) || self.flashAttention",
        message:
          'kvCacheType: a quantized type needs flash attention; leave flashAttention out, or set it to true',
      },
    ],
  })
  .describe('How the weights are loaded.');
export type RuntimeOptions = z.infer<typeof RuntimeOptions>;

/** What a further Model is to a server. */
export const partUses = ['Adapter', 'Draft'] as const;
export type PartUse = (typeof partUses)[number];

/** A Model that is loaded beside the one that is served. */
export interface PartRef {
  use: PartUse;
  name: string;
  /** Of an adapter. */
  scale: number;
}

/** The Models that are named beside the one that is served. */
export function partsNamed({ adapters = [], draftModelRef }: RuntimeOptions): PartRef[] {
  return [
    ...adapters.map(({ modelRef, scale = 1 }): PartRef => ({ use: 'Adapter', name: modelRef.name, scale })),
    ...(draftModelRef ? [{ use: 'Draft', name: draftModelRef.name, scale: 1 } as const] : []),
  ];
}
