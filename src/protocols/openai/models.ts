import { z } from 'zod';

/** GET /v1/models: https://platform.openai.com/docs/api-reference/models */
export const ListedModel = z.object({
  id: z.string(),
  object: z.literal('model'),
  /** Seconds since 1970. */
  created: z.int(),
  owned_by: z.string(),
});
export type ListedModel = z.infer<typeof ListedModel>;

export const ModelList = z.object({ object: z.literal('list'), data: z.array(ListedModel) });
export type ModelList = z.infer<typeof ModelList>;
