import { z } from 'zod';

/** GET /v1/models: https://platform.openai.com/docs/api-reference/models */
export const ListedModel = z
  .object({
    id: z.string(),
    object: z.literal('model'),
    /** Seconds since 1970. */
    created: z.int(),
    owned_by: z.string(),
    /** Of a LoRA adapter: the model that it is for, as vLLM says it. */
    parent: z.string().optional(),
  })
  .meta({ title: 'Model' });
export type ListedModel = z.infer<typeof ListedModel>;

export const ModelList = z
  .object({ object: z.literal('list'), data: z.array(ListedModel) })
  .meta({ title: 'ModelList' });
export type ModelList = z.infer<typeof ModelList>;
