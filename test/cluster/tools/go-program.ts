import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { run } from '../commands.ts';
import { needGo } from './tools.ts';

/** A program of this checkout in Go, built; its file goes when it is disposed of. */
export interface GoProgram extends AsyncDisposable {
  readonly path: string;
}

/**
 * Builds the module in a folder: in a second where Go has built it before.
 *
 * @param folder with go.mod, go.sum and main.go
 */
export async function buildGoProgram(folder: string): Promise<GoProgram> {
  const name = basename(folder);
  await needGo(`test/${name}`);
  const target = await mkdtemp(join(tmpdir(), `longshore-${name}-`));
  const remove = (): Promise<void> => rm(target, { recursive: true, force: true });
  const path = join(target, name);
  try {
    const env = { ...process.env, CGO_ENABLED: '0' };
    await run('go', ['build', '-buildvcs=false', '-o', path, '.'], { cwd: folder, env });
  } catch (error) {
    await remove();
    throw error;
  }
  return { path, [Symbol.asyncDispose]: remove };
}
