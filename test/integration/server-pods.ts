import { expect } from 'vitest';
import { conditionOf, reasonOf, type ServerChoices } from './objects.ts';
import type { PlayedPod } from './played-pod.ts';
import type { World } from './world.ts';

/** The first pod of a server whose Model is published. */
export async function podOf(
  world: World,
  name: string,
  choices: Partial<ServerChoices> = {},
): Promise<PlayedPod> {
  await world.readyModel(name);
  await world.applyServer(name, { model: name, ...choices });
  return await world.kubelet.next({ server: name });
}

/** The server as soon as it says this, with its whole condition. */
export async function told(world: World, name: string, reason: string, type: 'Scheduled' | 'Loaded') {
  const server = await world.servers.untilOne(name, (each) => reasonOf(each) === reason);
  const condition = conditionOf(server, type);
  expect(condition).toMatchObject({ status: 'False', reason });
  return { server, message: condition?.message };
}
