import { join } from 'node:path';
import { z } from 'zod';
import type { KubeObject } from '../../src/kube/kind.ts';
import { run } from '../cluster/commands.ts';
import { buildGoProgram, type GoProgram } from '../cluster/tools/go-program.ts';

const scripts = join(import.meta.dirname, '../../charts/longshore/argocd');

/** What Argo CD shows of an object by a script for it. */
const Health = z.strictObject({
  status: z.enum(['Healthy', 'Progressing', 'Degraded', 'Suspended']),
  message: z.string().min(1),
});
export type Health = z.infer<typeof Health>;

/** What people see of an action. */
const Actions = z.record(
  z.string(),
  z.strictObject({ disabled: z.boolean(), iconClass: z.string(), displayName: z.string().optional() }),
);

/** Builds the program beside this file, which is the Lua that Argo CD embeds: in about 5 s of two cores the first time. */
export function buildArgoCD(): Promise<GoProgram> {
  return buildGoProgram(import.meta.dirname);
}

/** What a script of the chart returns for each of these objects. @throws Error where it fails, with the words of Lua. */
async function runScript(path: string, script: string, objects: readonly KubeObject[]): Promise<unknown[]> {
  const out = await run(path, [join(scripts, script)], { input: JSON.stringify(objects) });
  return z.array(z.unknown()).parse(JSON.parse(out));
}

/** @param path of the program */
export async function healthOf(path: string, objects: readonly KubeObject[]): Promise<Health[]> {
  return z.array(Health).parse(await runScript(path, 'health.lua', objects));
}

/** Names of the actions that people may take on an object. */
export async function actionsOn(path: string, object: KubeObject): Promise<string[]> {
  const [found] = await runScript(path, `${object.kind}/discovery.lua`, [object]);
  const actions = Object.entries(Actions.parse(found));
  return actions.flatMap(([name, { disabled }]) => (disabled ? [] : [name])).toSorted();
}

/** The object as an action would have it. */
export async function afterAction(path: string, action: string, object: KubeObject): Promise<KubeObject> {
  const [changed] = await runScript(path, `${object.kind}/actions/${action}.lua`, [object]);
  return changed as KubeObject;
}
