import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { packages } from '../hub/python/pip.ts';

/** A folder for PYTHONPATH with the packages of a requirements file, each of the bytes that it names; fetched once. */
export async function packagesOf(name: string, requirements: string): Promise<string> {
  const digest = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex');
  return await packages(`${name}-${digest.slice(0, 12)}`, ['--require-hashes', '-r', requirements], {
    withDependencies: false,
  });
}
