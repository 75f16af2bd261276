import { z } from 'zod';

/** Where it stands what archives were unpacked to: `unpacked/sha256-<hex>.json`, by the digest of the archive. */
export const unpackedFolder = 'unpacked';

/** What an archive holds, whether it was wanted or not: its files outlive it. */
export const Unpacked = z.object({
  version: z.literal(1),
  files: z.array(
    z.object({ path: z.string(), sizeBytes: z.int(), sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
  ),
});
export type Unpacked = z.infer<typeof Unpacked>;

/** Relative to the root of the volume. */
export function unpackedPath(hex: string): string {
  return `${unpackedFolder}/sha256-${hex}.json`;
}
