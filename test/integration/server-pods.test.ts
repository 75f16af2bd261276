import { describe, expect } from 'vitest';
import { reasons } from '../../src/api/reasons.ts';
import { events, pods } from '../../src/kube/builtin.ts';
import type { Kind, KubeObject } from '../../src/kube/kind.ts';
import { eventually } from './eventually.ts';
import { admissiblePod } from './hardening.ts';
import { it, itAlone } from './it.ts';
import { conditionOf, isReady, reasonOf, summary } from './objects.ts';
import { enforceQuota, quotas } from './quota.ts';
import { podOf, told } from './server-pods.ts';

const priorityClasses: Kind<KubeObject & { value: number }> = {
  apiVersion: 'scheduling.k8s.io/v1',
  kind: 'PriorityClass',
  plural: 'priorityclasses',
  namespaced: false,
};

describe.concurrent('pods of a server that are not made', () => {
  it('are told of as WriteRefused with the words of the API server, until what is missing is there', async ({
    world,
  }) => {
    const { client, servers } = world;
    const name = `class-of-${world.namespace}`;
    await world.readyModel('unranked');
    await world.applyServer('unranked', { model: 'unranked', pod: { priorityClassName: name } });
    const { server, message } = await told(world, 'unranked', 'WriteRefused', 'Scheduled');
    expect(summary(server)).toBe('False/WriteRefused False True');
    expect(message).toContain(`no PriorityClass with name ${name} was found`);
    expect(conditionOf(server, 'Loaded')).toMatchObject({ status: 'Unknown', reason: 'Pending' });
    await client.create(priorityClasses, { metadata: { name }, value: 1 });
    const pod = await world.kubelet.next({ server: 'unranked' });
    await pod.becomesReady();
    await servers.untilOne('unranked', isReady);
    await client.delete(priorityClasses, { name });
  });

  it('are told of as QuotaExceeded with the quota, and come when there is room', async ({ world }) => {
    const { client, servers } = world;
    const name = `crowd-of-${world.namespace}`;
    await client.create(priorityClasses, { metadata: { name }, value: 1 });
    // Of this server alone: others of the namespace are not to notice.
    const scopeSelector = {
      matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: [name] }],
    };
    const spec = { hard: { pods: '0' }, scopeSelector };
    await enforceQuota(world, 'crowd', spec, [pods, { spec: { ...admissiblePod, priorityClassName: name } }]);
    await world.readyModel('crowded');
    await world.applyServer('crowded', { model: 'crowded', pod: { priorityClassName: name } });
    const { server, message } = await told(world, 'crowded', 'QuotaExceeded', 'Scheduled');
    expect(summary(server)).toBe('False/QuotaExceeded True False');
    expect(message).toMatch(/exceeded quota: crowd/);
    await client.delete(quotas, world.ref('crowd'));
    const pod = await world.kubelet.next({ server: 'crowded' });
    await pod.becomesReady();
    await servers.untilOne('crowded', isReady);
    await client.delete(priorityClasses, { name });
  });
});

describe.concurrent('a pod of a server without a node', () => {
  it('says how much is wanted of what is lacking', async ({ world }) => {
    const pod = await podOf(world, 'greedy', { gpu: { count: 5 } });
    await pod.cannotBeScheduled(
      '0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient nvidia.com/gpu. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.',
    );
    const { server, message } = await told(world, 'greedy', 'Unschedulable', 'Scheduled');
    expect(summary(server)).toBe('False/Unschedulable True False');
    expect(message).toBe(
      `Pod ${pod.name}: none of 3 nodes can take it: 1 cordoned; 2 too little nvidia.com/gpu (5 wanted). ${reasons.Unschedulable.action}`,
    );
  });
});

describe.concurrent('a pod of a server with a node', () => {
  it('says MountFailed in the words of the kubelet, which stand in events alone', async ({ world }) => {
    const pod = await podOf(world, 'unmounted');
    await pod.isWarnedOf('FailedMount', 'MountVolume.SetUp failed for volume "pv": no such host');
    await pod.cannotStart('ContainerCreating', '');
    const { server, message } = await told(world, 'unmounted', 'MountFailed', 'Loaded');
    expect(summary(server)).toBe('False/MountFailed True False');
    expect(message).toBe(
      `Pod ${pod.name}: MountVolume.SetUp failed for volume "pv": no such host. ${reasons.MountFailed.action}`,
    );
    await pod.becomesReady();
    await world.servers.untilOne('unmounted', isReady);
  });

  it('says PodCannotStart in the words of the kubelet', async ({ world }) => {
    const pod = await podOf(world, 'refused');
    await pod.cannotStart(
      'CreateContainerConfigError',
      'container has runAsNonRoot and image will run as root',
    );
    const { server, message } = await told(world, 'refused', 'PodCannotStart', 'Loaded');
    expect(summary(server)).toBe('False/PodCannotStart True False');
    expect(message).toContain('CreateContainerConfigError: container has runAsNonRoot');
  });

  it('says Crashed when its runtime ends without a word, and that in an event', async ({ world }) => {
    const pod = await podOf(world, 'crashing');
    await pod.starts();
    await pod.crashes({ exitCode: 139 });
    const { server, message } = await told(world, 'crashing', 'Crashed', 'Loaded');
    expect(summary(server)).toBe('False/Crashed True False');
    expect(message).toContain(`Pod ${pod.name}: the runtime ended with exit code 139`);
    await eventually(async () => {
      const fieldSelector = `regarding.uid=${server.metadata.uid}`;
      const { items } = await world.client.list(events, { namespace: world.namespace, fieldSelector });
      expect(items.map(({ type, reason }) => `${type} ${reason}`)).toContain('Warning Crashed');
    });
  });

  it('says InsufficientMemory with the limit when it is killed for its memory', async ({ world }) => {
    const resources = { limits: { memory: '2Gi' } };
    const pod = await podOf(world, 'confined', { gpu: { count: 0 }, pod: { resources } });
    await pod.starts();
    await pod.crashes({ reason: 'OOMKilled' });
    const { server, message } = await told(world, 'confined', 'InsufficientMemory', 'Loaded');
    expect(summary(server)).toBe('False/InsufficientMemory False True');
    expect(message).toContain('(OOMKilled; its limit is 2Gi)');
  });

  it('says InsufficientGPUMemory in the words of the runtime', async ({ world }) => {
    const pod = await podOf(world, 'heavy');
    await pod.starts();
    await pod.crashes({
      failure: { reason: 'InsufficientGPUMemory', message: 'needs 12.5 GiB of GPU memory' },
    });
    const { server, message } = await told(world, 'heavy', 'InsufficientGPUMemory', 'Loaded');
    expect(summary(server)).toBe('False/InsufficientGPUMemory False True');
    expect(message).toBe(
      `Pod ${pod.name}: needs 12.5 GiB of GPU memory. ${reasons.InsufficientGPUMemory.action}`,
    );
  });

  it('says NodeLost when its node does not answer, and is Ready when that is back', async ({ world }) => {
    const pod = await podOf(world, 'stranded-server');
    await pod.starts();
    await pod.becomesReady();
    await world.servers.untilOne('stranded-server', isReady);
    await pod.isLost();
    const { server } = await told(world, 'stranded-server', 'NodeLost', 'Loaded');
    expect(summary(server)).toBe('False/NodeLost True False');
    await world.servers.untilOne(
      'stranded-server',
      (each) => conditionOf(each, 'Available')?.reason === 'NoPodAnswers',
    );
    await pod.becomesReady();
    await world.servers.untilOne('stranded-server', isReady);
  });
});

describe.concurrent('a server that rolls', () => {
  it('is Available while its old pod answers, and says RollingOut until that is gone', async ({ world }) => {
    const { kubelet, servers } = world;
    const old = await podOf(world, 'turning', { runtime: { contextSize: 1024 } });
    await old.starts();
    await old.becomesReady();
    await servers.untilOne('turning', isReady);
    await world.applyServer('turning', { model: 'turning', runtime: { contextSize: 2048 } });
    const next = await kubelet.next({ server: 'turning' });
    await next.cannotBeScheduled('0/1 nodes are available: 1 Insufficient nvidia.com/gpu.');
    const stuck = await told(world, 'turning', 'Unschedulable', 'Scheduled');
    expect(conditionOf(stuck.server, 'Available')).toMatchObject({
      status: 'True',
      message: `1 of 1 answer at http://turning.${world.namespace}.svc.`,
    });
    await next.starts();
    await next.becomesReady();
    await servers.untilOne('turning', isReady);
    const reasons = servers.versions('turning').map((each) => reasonOf(each));
    expect(reasons.lastIndexOf('Unschedulable')).toBeLessThan(reasons.lastIndexOf('Ready'));
  });
});

describe('a pod that ends while no operator is there', () => {
  itAlone('is told of by the next one', async ({ world }) => {
    const pod = await podOf(world, 'unwatched');
    await pod.starts();
    await pod.becomesReady();
    await world.servers.untilOne('unwatched', isReady);
    await world.operator.kill();
    await pod.crashes({ reason: 'OOMKilled' });
    expect(isReady(world.servers.get('unwatched')!)).toBe(true);
    await world.startOperator();
    const { server } = await told(world, 'unwatched', 'InsufficientMemory', 'Loaded');
    expect(summary(server)).toBe('False/InsufficientMemory False True');
    await pod.becomesReady();
    await world.servers.untilOne('unwatched', isReady);
  });
});
