import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ModelServer } from '../../src/api/modelserver.ts';
import { findCondition } from '../../src/kube/conditions.ts';
import type { Live } from '../../src/kube/kind.ts';
import { standard } from '../hub/content.ts';
import { isReady, readyReason, World } from './world.ts';

describe('a server that cannot come to serve', () => {
  let world: World;
  beforeAll(async () => {
    world = await World.start();
    await world.applyModel('gemma', {
      huggingFace: { repo: standard.gemma.repo, files: [standard.gemma.file] },
    });
    await world.model('gemma', isReady);
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const server = (spec: object) => ({
    modelRef: { name: 'gemma' },
    runtime: { contextSize: 256 },
    ...spec,
  });
  const words = (object: Live<ModelServer>): string =>
    findCondition(object.status?.conditions, 'Ready')?.message ?? '';

  it('says how many GPUs are short, and serves with as many as a node has', async () => {
    await world.applyServer('greedy', server({ gpu: { count: 5 } }));
    const told = await world.server('greedy', (object) => readyReason(object) === 'Unschedulable');
    expect(words(told)).toContain('5 wanted, no node has more than 4');
    expect(findCondition(told.status?.conditions, 'Scheduled')?.status).toBe('False');
    await world.applyServer('greedy', server({ gpu: { count: 4 } }));
    await world.server('greedy', isReady);
    await world.kubectl(['delete', 'modelserver', 'greedy']);
  });

  it('says that it was killed for its memory, and serves when it may have more', async () => {
    const limited = (memory: string) =>
      server({ gpu: { count: 0 }, pod: { resources: { limits: { memory } } } });
    await world.applyServer('cramped', limited('40Mi'));
    const told = await world.server('cramped', (object) => readyReason(object) === 'InsufficientMemory');
    expect(words(told)).toMatch(/was killed for its memory \(OOMKilled; its limit is 40Mi\)/);
    expect(findCondition(told.status?.conditions, 'Stalled')?.status).toBe('True');
    await world.applyServer('cramped', limited('2Gi'));
    await world.server('cramped', isReady);
  });

  const operator = ['-n', 'longshore-system', 'deployment/longshore-operator'];
  /** Resolves when the operator runs as it was told to. */
  const settled = () => world.kubectl(['rollout', 'status', '--timeout=90s', ...operator]);

  it('stays with the runtime that it has where another one cannot be had', async () => {
    const variable = 'LONGSHORE_RUNTIME_IMAGE_CPU';
    await world.applyServer('steady', server({ gpu: { count: 0 }, rollout: { progressDeadline: '20s' } }));
    const before = await world.server('steady', isReady);
    const image = before.status?.runtime?.image ?? '';
    const lost = `${image.split(':')[0]}:lost`;
    try {
      await world.kubectl(['set', 'env', ...operator, `${variable}=${lost}`]);
      const runtime = ({ status }: Live<ModelServer>) => findCondition(status?.conditions, 'RuntimeCurrent');
      const back = await world.server(
        'steady',
        (object) => isReady(object) && runtime(object)?.reason === 'RolledBack',
      );
      expect(runtime(back)?.message).toContain(`${lost} was rolled back. The rollout stood still for 20s.`);
      expect(back.status?.runtime).toMatchObject({ image, available: lost });
    } finally {
      await world.kubectl(['set', 'env', ...operator, `${variable}=${image}`]);
      await settled();
    }
  });

  it('is served again although no operator is there when its pod ends', async () => {
    try {
      await world.kubectl(['scale', '--replicas=0', ...operator]);
      await settled();
      const ofServer = ['-l', 'longshore.dev/server=steady'];
      await world.kubectl(['delete', 'pod', ...ofServer, '--grace-period=0', '--force']);
      await world.kubectl(['wait', 'pod', ...ofServer, '--for=condition=Ready', '--timeout=90s']);
    } finally {
      await world.kubectl(['scale', '--replicas=1', ...operator]);
      await settled();
    }
    await world.server('steady', isReady);
  });
});
