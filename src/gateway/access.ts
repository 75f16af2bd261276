import { timingSafeEqual } from 'node:crypto';
import { digestOf, followKeys, keyLines, type KeyLine } from '../http-server/mounted-keys.ts';
import type { Log } from '../kube/log.ts';

/** What a key may be used for. */
export const scopes = ['infer', 'read', 'manage'] as const;
export type Scope = (typeof scopes)[number];

/** A key that was let in. */
export interface Caller {
  /** The file of the Secret that has it: what people know it by. */
  name: string;
  scopes: readonly Scope[];
}

/** Who may ask: whoever has one of these keys. */
export interface AccessKeys {
  callerOf(key: string): Promise<Caller | undefined>;
}

interface KnownKey extends Caller {
  digest: Buffer;
}

/**
 * Keys in the files of a folder, as Kubernetes mounts a Secret: each line is the SHA-256 of a key in hex and its scopes,
 * `9f86…0a08 infer,read`. They are read again while they are asked for. A line that is not so is logged, and lets nobody in;
 * where no line is left, nobody is let in.
 * @param now milliseconds
 */
export async function openAccessKeys(folder: string, log: Log, now: () => number): Promise<AccessKeys> {
  let told = '';
  const known = await followKeys(async () => {
    const { keys, problems } = keysOf(await keyLines(folder));
    if (keys.length === 0) problems.push(`${folder} holds no key, so nobody is let in`);
    if (problems.join() !== told && problems.length > 0) log.error({ problems }, 'API keys are wrong');
    told = problems.join();
    return keys;
  }, now);
  return {
    async callerOf(key) {
      return matching(await known(), digestOf(key));
    },
  };
}

/** Takes the same time whichever it is, and whether it is one. */
function matching(keys: readonly KnownKey[], digest: Buffer): Caller | undefined {
  let found: Caller | undefined;
  for (const key of keys) if (timingSafeEqual(key.digest, digest)) found = key;
  return found && { name: found.name, scopes: found.scopes };
}

function keysOf(lines: readonly KeyLine[]): { keys: KnownKey[]; problems: string[] } {
  const keys: KnownKey[] = [];
  const problems: string[] = [];
  for (const { file, number, text } of lines) {
    if (text.startsWith('#')) continue;
    const key = keyOf(file, text);
    if (key) keys.push(key);
    else
      problems.push(
        `line ${number} of ${file} has to be the SHA-256 of a key in hex, a blank, and scopes (${scopes.join(', ')}) with commas between`,
      );
  }
  return { keys, problems };
}

/** Undefined where the line is not one. It is not shown: somebody may have put a key there in place of its hash. */
function keyOf(name: string, line: string): KnownKey | undefined {
  const [, digest, said] = /^([0-9a-f]{64})\s+(\S+)$/i.exec(line) ?? [];
  if (digest === undefined || said === undefined) return undefined;
  const named = said.split(',');
  const its = scopes.filter((scope) => named.includes(scope));
  if (its.length !== new Set(named).size) return undefined;
  return { name, digest: Buffer.from(digest, 'hex'), scopes: its };
}
