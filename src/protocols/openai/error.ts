import { z } from 'zod';

/** https://platform.openai.com/docs/guides/error-codes */
export const ErrorBody = z
  .strictObject({
    error: z.object({
      message: z.string(),
      type: z.string(),
      /** The field of the request that is at fault. */
      param: z.string().nullable(),
      code: z.string().nullable(),
    }),
  })
  .meta({ title: 'Error' });
export type ErrorBody = z.infer<typeof ErrorBody>;
