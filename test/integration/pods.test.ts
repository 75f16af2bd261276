import { describe, expect } from 'vitest';
import { persistentVolumeClaims, pods } from '../../src/kube/builtin.ts';
import type { Kind, KubeObject } from '../../src/kube/kind.ts';
import { eventually } from './eventually.ts';
import { downloading, reports } from './fake-kubelet.ts';
import { admissiblePod } from './hardening.ts';
import { it, itAlone } from './it.ts';
import { conditionOf, isReady, isStalled, reasonOf, summary } from './objects.ts';
import { enforceQuota, quotas } from './quota.ts';
import { weights } from './weights.ts';

const sizeBytes = 1_000_000_000;
const { inspection, publication } = weights({ sizeBytes });

type WithSpec = KubeObject & { spec: object };
const limitRanges: Kind<WithSpec> = {
  apiVersion: 'v1',
  kind: 'LimitRange',
  plural: 'limitranges',
  namespaced: true,
};

const admissionKind = (kind: string, plural: string): Kind<WithSpec> => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind,
  plural,
  namespaced: false,
});
const policies = admissionKind('ValidatingAdmissionPolicy', 'validatingadmissionpolicies');
const policyBindings = admissionKind('ValidatingAdmissionPolicyBinding', 'validatingadmissionpolicybindings');

const aClaim = {
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
};

describe.concurrent('a pod that pulls', () => {
  it('is said to be on a node that does not answer, and goes on when that is back', async ({ world }) => {
    const { kubelet, models } = world;
    kubelet.plays({ model: 'stranded', task: 'inspect' }, reports({ inspection }));
    await world.applyModel('stranded');
    const pull = await kubelet.next({ model: 'stranded', task: 'pull' });
    await pull.starts();
    pull.says(downloading(500_000_000, sizeBytes));
    await models.untilOne('stranded', ({ status }) => status?.progress?.percent === 50);
    await pull.isLost();
    const lost = await models.untilOne('stranded', (model) => reasonOf(model) === 'NodeLost');
    expect(summary(lost)).toBe('False/NodeLost True False');
    expect(lost.status?.progress?.percent).toBe(50);
    expect(conditionOf(lost, 'Ready')?.message).toContain('does not answer');
    await pull.starts();
    await models.untilOne('stranded', (model) => reasonOf(model) === 'Pulling');
    await pull.succeeds({ publication });
    await models.untilOne('stranded', isReady);
  });

  it('is said to be evicted, and another goes on in its place', async ({ world }) => {
    const { kubelet, models } = world;
    kubelet.plays({ model: 'evicted', task: 'inspect' }, reports({ inspection }));
    await world.applyModel('evicted');
    const pull = await kubelet.next({ model: 'evicted', task: 'pull' });
    await pull.starts();
    pull.says(downloading(500_000_000, sizeBytes));
    await models.untilOne('evicted', ({ status }) => status?.progress?.percent === 50);
    await pull.isEvicted('EvictionByEvictionAPI', 'Eviction API: evicting');
    const told = await models.untilOne('evicted', (model) => reasonOf(model) === 'Evicted');
    expect(summary(told)).toBe('False/Evicted True False');
    expect(conditionOf(told, 'Ready')?.message).toContain('Eviction API: evicting');
    expect(told.status?.progress?.percent).toBe(50);
    const second = await kubelet.next({ model: 'evicted', task: 'pull' });
    await second.succeeds({ publication });
    await models.untilOne('evicted', isReady);
    // The Job goes on: an eviction is no failure of the pull.
    expect(world.jobsOf('evicted', 'pull')).toHaveLength(1);
  });

  it('that names a PriorityClass that is missing is refused in the words of the API server', async ({
    world,
  }) => {
    await world.applyModel('unranked', { puller: { priorityClassName: 'absent' } });
    const stalled = await world.models.untilOne('unranked', isStalled);
    expect(summary(stalled)).toBe('False/WriteRefused False True');
    expect(conditionOf(stalled, 'Resolved')?.message).toMatch(
      /gets no pod: .*no PriorityClass with name absent was found/,
    );
    world.kubelet.provides('unranked', weights({ sizeBytes }));
    await world.applyModel('unranked');
    await world.models.untilOne('unranked', isReady);
  });
});

describe.concurrent('a pod that a namespace has no room for', () => {
  itAlone('is told of with the quota, and comes when there is room', async ({ world }) => {
    const { client, models, kubelet } = world;
    kubelet.plays({ model: 'crowded', task: 'inspect' }, reports({ inspection }));
    kubelet.always({ model: 'crowded', task: 'pull' }, reports({ publication }));
    await world.applyModel('crowded', { suspend: true });
    await models.untilOne('crowded', (model) => reasonOf(model) === 'Suspended');
    await enforceQuota(world, 'pods', { hard: { pods: '0' } }, [pods, { spec: admissiblePod }]);
    await world.applyModel('crowded');
    const told = await models.untilOne('crowded', (model) => reasonOf(model) === 'QuotaExceeded');
    expect(summary(told)).toBe('False/QuotaExceeded True False');
    expect(conditionOf(told, 'Resolved')?.message).toMatch(/gets no pod: .*exceeded quota: pods/);
    await client.delete(quotas, world.ref('pods'));
    await models.untilOne('crowded', isReady);
  });

  itAlone('is told of with the limits that it does not keep to', async ({ world }) => {
    const { client, models } = world;
    const spec = { limits: [{ type: 'Container', max: { memory: '100Mi' } }] };
    await client.create(limitRanges, { metadata: world.ref('small'), spec });
    await world.applyModel('large');
    const stalled = await models.untilOne('large', isStalled);
    expect(summary(stalled)).toBe('False/WriteRefused False True');
    expect(conditionOf(stalled, 'Ready')?.message).toMatch(/maximum memory usage per Container is 100Mi/);
  });

  itAlone('is told of with the policy that does not admit it', async ({ world }) => {
    const { client, models, namespace } = world;
    const name = `no-pods-in-${namespace}`;
    const namespaceSelector = { matchLabels: { 'kubernetes.io/metadata.name': namespace } };
    const resourceRules = [
      { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] },
    ];
    const validations = [{ expression: 'false', message: 'only pods that were looked at may run here' }];
    const spec = { matchConstraints: { namespaceSelector, resourceRules }, validations };
    await client.create(policies, { metadata: { name }, spec });
    const bound = { policyName: name, validationActions: ['Deny'] };
    await client.create(policyBindings, { metadata: { name }, spec: bound });
    // The API server takes a moment to go by it.
    await eventually(() =>
      expect(
        client.create(pods, { metadata: { namespace, generateName: 'probe-' }, spec: admissiblePod }),
      ).rejects.toThrow('only pods that were looked at may run here'),
    );
    await world.applyModel('unseen');
    const stalled = await models.untilOne('unseen', isStalled);
    expect(summary(stalled)).toBe('False/WriteRefused False True');
    expect(conditionOf(stalled, 'Resolved')?.message).toMatch(
      /gets no pod: .*only pods that were looked at may run here/,
    );
    await client.delete(policyBindings, { name });
    await client.delete(policies, { name });
  });

  itAlone('has a claim or a Job told of in the same way', async ({ world }) => {
    const { client, models, kubelet } = world;
    kubelet.provides('unstored', weights({ sizeBytes }));
    const hard = { persistentvolumeclaims: '0' };
    await enforceQuota(world, 'claims', { hard }, [persistentVolumeClaims, aClaim]);
    await world.applyModel('unstored');
    const told = await models.untilOne('unstored', (model) => reasonOf(model) === 'QuotaExceeded');
    expect(summary(told)).toBe('False/QuotaExceeded True False');
    expect(conditionOf(told, 'Ready')?.message).toMatch(/exceeded quota: claims/);
    await client.delete(quotas, world.ref('claims'));
    await models.untilOne('unstored', isReady);
  });
});
