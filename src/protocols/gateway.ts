import { z } from 'zod';

/** What a gateway says of itself on `GET /version`. */
export const GatewayVersion = z
  .object({
    version: z.string().describe('The release of Longshore that the gateway is of.'),
    namespace: z
      .string()
      .optional()
      .describe(
        'Where Models are made when a request does not say it; absent: nothing is managed through this gateway.',
      ),
    scopes: z
      .array(z.enum(['infer', 'read', 'manage']))
      .describe('What the caller may do: the scopes of its key, or all of them where no keys are asked for.'),
  })
  .meta({ title: 'GatewayVersion' });
export type GatewayVersion = z.infer<typeof GatewayVersion>;
