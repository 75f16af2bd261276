import { z } from 'zod';
import type { FoundModel } from '../../sources/hugging-face/search.ts';
import type { DoorOptions } from '../door.ts';
import type { Finder } from '../finder.ts';
import { toldBy } from './refusal.ts';
import { requestsTo } from './requests.ts';

const Found = z.object({
  name: z.string(),
  downloads: z.number(),
  likes: z.number(),
  license: z.string().optional(),
  gated: z.boolean(),
  updated_at: z.coerce.date(),
});
const Search = z.object({ endpoint: z.string(), models: z.array(Found) });
const Inspected = Found.extend({
  quantizations: z.array(
    z.object({ quantization: z.string().optional(), file: z.string(), size: z.number() }),
  ),
});

/** Has the gateway ask the hub of its chart's values, which needs no token and no network here. */
export function gatewayFinder(options: DoorOptions & { server: string }): Finder {
  const requests = requestsTo(options);
  const get = async <T>(schema: z.ZodType<T>, path: string, what: string): Promise<T> => {
    try {
      return schema.parse(await requests.json('GET', `/models/search${path}`));
    } catch (error) {
      throw toldBy(requests.url, error, what);
    }
  };
  return {
    async search(query, limit, { author, license, sort }) {
      const asked = new URLSearchParams({
        q: query,
        limit: String(limit),
        ...(author !== undefined && { author }),
        ...(license !== undefined && { license }),
        ...(sort !== undefined && { sort }),
      });
      const { endpoint, models } = await get(Search, `?${asked.toString()}`, `search for "${query}"`);
      return { endpoint, models: models.map(found) };
    },
    async inspect(name) {
      const path = name.split('/').map(encodeURIComponent).join('/');
      const { quantizations, ...model } = await get(Inspected, `/${path}`, `look at ${name}`);
      return {
        ...found(model),
        quantizations: quantizations.map(({ quantization, file, size }) => ({
          quantization,
          path: file,
          sizeBytes: size,
        })),
      };
    },
    [Symbol.asyncDispose]: () => requests[Symbol.asyncDispose](),
  };
}

function found({ gated, updated_at: updatedAt, license, ...rest }: z.infer<typeof Found>): FoundModel {
  return { ...rest, license, isGated: gated, updatedAt };
}
