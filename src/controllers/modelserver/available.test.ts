import { describe, expect, it } from 'vitest';
import { aServer } from '../testing/objects.ts';
import { aDeployedView, aServerPod, whole } from '../testing/servers.ts';
import { availability, awaitReplicas } from './available.ts';

const pods = [aServerPod('a', { ready: true })];
const answers = { status: 'True', reason: 'Succeeded', message: '1 of 1 answer at http://chat.ns.svc.' };

describe('awaitReplicas', () => {
  it('is done when every replica of the newest kind answers', () => {
    expect(awaitReplicas(aDeployedView({ pods }, whole))).toEqual({
      at: 'done',
      message: '1 of 1 answer at http://chat.ns.svc.',
      conditions: [{ type: 'Available', ...answers }],
    });
  });

  const before = aServerPod('old', { of: 'old', age: 600, ready: true });

  it.for([
    ['a replica of the old kind', [...pods, before], { ...whole, updatedReplicas: 0 }, 'RollingOut'],
    ['a replica of the old kind that still runs', [...pods, before], { ...whole, replicas: 2 }, 'RollingOut'],
    ['one replica too many', pods, { ...whole, replicas: 2 }, 'RollingOut'],
    ['a replica that is not ready', pods, { ...whole, readyReplicas: 0 }, 'Starting'],
    ['a replica that is not available', pods, { ...whole, unavailableReplicas: 1 }, 'Starting'],
    ['no replica counted yet', pods, {}, 'Starting'],
  ] as const)('waits with %s', ([, there, status, reason]) => {
    expect(awaitReplicas(aDeployedView({ pods: [...there] }, status))).toMatchObject({
      at: 'waiting',
      reason,
    });
  });

  it('is done at zero replicas when none is left, and says so', () => {
    const server = aServer({ replicas: 0 });
    expect(awaitReplicas(aDeployedView({ server }))).toEqual({
      at: 'done',
      readyAs: 'ScaledToZero',
      message: 'Scaled to zero.',
      conditions: [
        { type: 'Available', status: 'False', reason: 'ScaledToZero', message: 'Scaled to zero.' },
      ],
    });
    expect(awaitReplicas(aDeployedView({ server }, whole)).at).toBe('waiting');
  });
});

describe('availability', () => {
  it('is whether any pod answers, whatever else is under way', () => {
    expect(availability(aDeployedView({}, { ...whole, updatedReplicas: 0 }))).toEqual(answers);
    expect(availability(aDeployedView({ model: undefined }, whole))).toEqual(answers);
    expect(availability(aDeployedView({ server: aServer({ replicas: 2 }) }, whole))).toMatchObject({
      status: 'True',
      message: '1 of 2 answer at http://chat.ns.svc.',
    });
    expect(availability(aDeployedView())).toEqual({
      status: 'False',
      reason: 'NoPodAnswers',
      message: 'None of 1 answers.',
    });
  });
});
