import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { stateFolder } from '../places.ts';

/** What a native cluster is, written once it is up: a folder without it is what a killed start left. */
const ClusterRecord = z.object({
  name: z.string(),
  mode: z.enum(['node', 'control-plane']),
  hostAddress: z.string().optional(),
  /** The API server as the host reaches it. */
  server: z.string(),
  components: z.array(z.string()),
});
export type ClusterRecord = z.infer<typeof ClusterRecord>;

/** Paths within one cluster's state folder. */
export type State = { name: string; folder: string; at: (...parts: string[]) => string };

export function stateOf(name: string): State {
  const folder = stateFolder(name);
  return { name, folder, at: (...parts) => join(folder, ...parts) };
}

export async function readRecord(state: State): Promise<ClusterRecord | undefined> {
  const text = await readFile(state.at('cluster.json'), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : ClusterRecord.parse(JSON.parse(text));
}

export async function writeRecord(state: State, record: ClusterRecord): Promise<void> {
  await writeState(state.at('cluster.json'), JSON.stringify(record, null, 2));
}

/** Replaces a file in one step, as other processes read it while it is written. */
export async function writeState(path: string, content: string): Promise<string> {
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(`${path}.new`, content, { mode: 0o600 });
  await rename(`${path}.new`, path);
  return path;
}
