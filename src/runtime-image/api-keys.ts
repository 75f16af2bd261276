import { timingSafeEqual } from 'node:crypto';
import { digestOf, followKeys, keyLines } from '../http-server/mounted-keys.ts';

/** Who may ask: whoever has one of these keys. */
export interface ApiKeys {
  accepts(given: string): Promise<boolean>;
}

/** There is no key to be found, so nobody could ask. */
export class NoApiKeys extends Error {
  override readonly name = 'NoApiKeys';
}

/**
 * Keys in a file, or in the files of a folder as Kubernetes mounts a Secret: one in each line. They are read again while
 * they are asked for. Where that finds none, those that were known are valid no more.
 * @param now milliseconds
 * @throws NoApiKeys
 */
export async function openApiKeys(path: string, now: () => number): Promise<ApiKeys> {
  const known = await followKeys(async () => (await keyLines(path)).map(({ text }) => digestOf(text)), now);
  if ((await known()).length === 0) throw new NoApiKeys(`${path} holds no API key.`);
  return {
    async accepts(given) {
      return isOneOf(await known(), digestOf(given));
    },
  };
}

/** Takes the same time whichever it is, and whether it is one. */
function isOneOf(digests: readonly Buffer[], digest: Buffer): boolean {
  return digests.reduce((found, one) => timingSafeEqual(one, digest) || found, false);
}
