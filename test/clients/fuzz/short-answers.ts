import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Runtime } from '../../../src/runtime-image/testing/runtime.ts';
import { gemma } from '../../hub/model.ts';

/**
 * The runtime with a real model that answers in few tokens, so that many requests take little time.
 * @param most tokens of an answer, where a request says nothing of its length
 */
export async function startShortAnswers(
  most: number,
): Promise<{ runtime: Runtime; stop: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'longshore-'));
  const paramsPath = join(folder, 'params.json');
  await writeFile(paramsPath, JSON.stringify({ num_predict: most }));
  const runtime = await Runtime.start((await gemma()).path, {}, { contextSize: 64, ollama: { paramsPath } });
  const stop = async () => {
    runtime.child.kill('SIGKILL');
    await runtime.exited;
    await rm(folder, { recursive: true });
  };
  await runtime.loaded().catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return { runtime, stop };
}
