import type { KubeObject } from '../../src/kube/kind.ts';
import { run } from '../cluster/commands.ts';
import { buildGoProgram, type GoProgram } from '../cluster/tools/go-program.ts';

/** What kstatus makes of an object that is there; one that is not is NotFound for those who look for it. */
export type Kstatus = 'InProgress' | 'Current' | 'Failed' | 'Terminating' | 'Unknown';

/**
 * Builds the program beside this file, which is sigs.k8s.io/cli-utils at the version that go.mod pins: in about 20 s of two
 * cores the first time.
 */
export function buildKstatus(): Promise<GoProgram> {
  return buildGoProgram(import.meta.dirname);
}

/** @throws Error with the words of kstatus where it can make nothing of the object. */
export async function kstatusOf(path: string, object: KubeObject): Promise<Kstatus> {
  return (await run(path, [], { input: JSON.stringify(object) })).trim() as Kstatus;
}
