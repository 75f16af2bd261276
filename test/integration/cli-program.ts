import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleCli } from '../../scripts/cli.ts';

/** A fixture of a file: the command line as people install it, which starts in a tenth of the time of its source. */
export const cliProgram = async (
  {}: object,
  { onCleanup }: { onCleanup: (end: () => Promise<void>) => void },
): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'longshore-cli-'));
  onCleanup(() => rm(folder, { recursive: true }));
  return await bundleCli(join(folder, 'cli'));
};
