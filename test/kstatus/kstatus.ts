import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KubeObject } from '../../src/kube/kind.ts';
import { run } from '../cluster/commands.ts';
import { needGo } from '../cluster/tools/tools.ts';

/** What kstatus makes of an object that is there; one that is not is NotFound for those who look for it. */
export type Kstatus = 'InProgress' | 'Current' | 'Failed' | 'Terminating' | 'Unknown';

/** The program beside this file, which is sigs.k8s.io/cli-utils at the version that go.mod pins. */
export interface KstatusProgram extends AsyncDisposable {
  readonly path: string;
}

/** Builds it: in a second where Go has built it before, and in about 20 s of two cores otherwise. */
export async function buildKstatus(): Promise<KstatusProgram> {
  await needGo('the program that asks kstatus');
  const folder = await mkdtemp(join(tmpdir(), 'longshore-kstatus-'));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const path = join(folder, 'kstatus');
  try {
    const env = { ...process.env, CGO_ENABLED: '0' };
    await run('go', ['build', '-buildvcs=false', '-o', path, '.'], { cwd: import.meta.dirname, env });
  } catch (error) {
    await remove();
    throw error;
  }
  return { path, [Symbol.asyncDispose]: remove };
}

/** @throws Error with the words of kstatus where it can make nothing of the object. */
export async function kstatusOf(path: string, object: KubeObject): Promise<Kstatus> {
  return (await run(path, [], { input: JSON.stringify(object) })).trim() as Kstatus;
}
