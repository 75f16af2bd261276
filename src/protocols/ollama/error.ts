import { z } from 'zod';

/** Also a line of a stream, the last, where something goes wrong on the way. */
export const OllamaError = z.strictObject({ error: z.string() }).meta({ title: 'OllamaError' });
export type OllamaError = z.infer<typeof OllamaError>;
