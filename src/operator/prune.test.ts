import { describe, expect, it } from 'vitest';
import { appliedAnnotation } from '../controllers/labels.ts';
import { newestAttempt } from '../controllers/model/jobs/attempts.ts';
import { mountedBy } from '../controllers/model/storage/claim-users.ts';
import { useNamedClaim } from '../controllers/model/storage/named-claim.ts';
import { aDeviceSlice, aNode } from '../controllers/testing/servers.ts';
import { terminationMessage, troubleOf } from '../controllers/pods.ts';
import { pollPod } from '../controllers/poll.ts';
import { aClaim, aJob, aModel, aPodOf, aStorageClass, aView, meta } from '../controllers/testing/objects.ts';
import type { Job, Pod } from '../kube/builtin.ts';
import { controllerOf, type Live } from '../kube/kind.ts';
import {
  pruneBudget,
  pruneClaim,
  pruneDeployment,
  pruneDevices,
  pruneJob,
  pruneNode,
  prunePod,
  pruneStorageClass,
} from './prune.ts';

/** As a kubelet leaves it. */
function fullPod(status: Pod['status'] = {}): Live<Pod> {
  const pod = aPodOf(aJob({ request: 'r', task: 'pull' }), 'said at its end');
  const volumes = Array.from({ length: 5 }, (_, i) => ({ name: `volume-${i}`, emptyDir: {} }));
  const { metadata } = pod;
  return {
    ...pod,
    metadata: {
      ...metadata,
      generateName: 'generated-',
      annotations: { 'cni.example.com/status': 'long' },
      labels: { ...metadata.labels, 'batch.kubernetes.io/controller-uid': 'again' },
      ownerReferences: [
        { apiVersion: 'v1', kind: 'ConfigMap', name: 'bystander', uid: 'u' },
        ...(metadata.ownerReferences ?? []),
      ],
    },
    spec: { containers: [{ name: 'puller', image: 'puller:1', args: ['pull'] }], volumes },
    status: {
      ...pod.status,
      hostIP: '10.0.0.1',
      podIPs: [{ ip: '10.1.0.1' }],
      qosClass: 'Burstable',
      ...status,
    },
  };
}

const waiting = (reason: string) => ({
  containerStatuses: [
    {
      name: 'puller',
      image: 'puller:1',
      imageID: '',
      ready: false,
      restartCount: 2,
      state: { waiting: { reason, message: 'why' } },
      lastState: { terminated: { exitCode: 137, reason: 'OOMKilled', message: 'said before' } },
    },
  ],
});
const condition = (type: string, reason: string) => ({
  conditions: [{ type, status: 'False', reason, message: 'why' }],
});

describe('a pod in the cache', () => {
  it.each([
    ['that ended', fullPod()],
    ['that waits for its image', fullPod(waiting('ErrImagePull'))],
    ['that cannot be started', fullPod(waiting('CreateContainerConfigError'))],
    ['that was killed', fullPod(waiting('CrashLoopBackOff'))],
    ['that fits nowhere', fullPod(condition('PodScheduled', 'Unschedulable'))],
    ['that runs', fullPod({ phase: 'Running', podIP: '10.1.0.1' })],
    ['without a status', { ...fullPod(), status: undefined }],
  ])('%s is read as the whole one', async (_, pod) => {
    const pruned = prunePod(pod);
    expect(pruned).not.toHaveProperty('spec');
    expect(troubleOf(pruned)).toEqual(troubleOf(pod));
    expect(terminationMessage(pruned)).toBe(terminationMessage(pod));
    expect(controllerOf(pruned)).toEqual(controllerOf(pod));
    expect(pruned.metadata).toMatchObject({ labels: aJob({ request: 'r', task: 'pull' }).metadata.labels });
    const url = (asked: string) => Promise.resolve(JSON.stringify(asked));
    expect(await pollPod(pruned, 80, '/', url)).toBe(await pollPod(pod, 80, '/', url));
    const ended = ({ status }: Pod) => status?.containerStatuses?.[0]?.lastState?.terminated?.reason;
    expect(ended(pruned)).toBe(ended(pod));
  });

  it('is read as mounting the claims that the whole one mounts', () => {
    const pod = fullPod();
    const volumes = [{ name: 'models', persistentVolumeClaim: { claimName: 'shared', readOnly: true } }];
    const mounting = { ...pod, spec: { containers: [], volumes: [...pod.spec!.volumes!, ...volumes] } };
    expect(mountedBy(prunePod(mounting))).toEqual(['shared']);
    expect(prunePod(mounting).spec?.volumes).toHaveLength(1);
  });

  it('has nothing of what nobody reads', () => {
    const json = JSON.stringify(prunePod(fullPod(waiting('ErrImagePull'))));
    expect(json).not.toMatch(/cni|volume-|puller:1|hostIP|qosClass|again|bystander|generated-/);
  });
});

describe('a Job in the cache', () => {
  const template = { spec: { containers: [{ name: 'puller', image: 'puller:1' }], restartPolicy: 'Never' } };
  const whole = (job: Live<Job>): Live<Job> => ({
    ...job,
    metadata: { ...job.metadata, annotations: { 'example.com/note': 'lengthy' } },
    spec: { template },
  });

  it.each([
    ['that runs', whole(aJob({ request: 'r' }))],
    ['that is complete', whole(aJob({ request: 'r', ended: { type: 'Complete', secondsAgo: 1 } }))],
    [
      'that failed',
      whole(aJob({ request: 'r', ended: { type: 'Failed', secondsAgo: 60, reason: 'DeadlineExceeded' } })),
    ],
  ])('%s is read as the whole one', (_, job) => {
    const pruned = pruneJob(job);
    const attempt = (each: Live<Job>) => newestAttempt(aView({ jobs: [each] }), 'inspect', 'r');
    expect({ ...attempt(pruned), job: undefined }).toEqual({ ...attempt(job), job: undefined });
    expect(controllerOf(pruned)).toEqual(controllerOf(job));
    expect(JSON.stringify(pruned)).not.toMatch(/puller:1|lengthy/);
  });
});

it('of a Deployment its spec, the counts of its status, that its pods are refused, and how it rolls, are kept', () => {
  const deployment = {
    metadata: meta('chat', { annotations: { [appliedAnnotation]: 'hash' } }),
    spec: { selector: {}, template: {} },
    status: {
      readyReplicas: 1,
      observedGeneration: 2,
      conditions: [
        { type: 'Available', status: 'True' },
        {
          type: 'ReplicaFailure',
          status: 'True',
          message: 'exceeded quota',
          lastTransitionTime: '2030-01-01T00:00:00Z',
          lastUpdateTime: '2030-01-01T00:00:00Z',
        },
        {
          type: 'Progressing',
          status: 'True',
          reason: 'ReplicaSetUpdated',
          message: 'ReplicaSet "chat-1" is progressing.',
          lastUpdateTime: '2030-01-01T00:00:00Z',
        },
      ],
    },
  };
  const { status, ...rest } = pruneDeployment(deployment);
  expect(rest).toEqual({ metadata: deployment.metadata, spec: deployment.spec });
  expect(status).toEqual({
    readyReplicas: 1,
    observedGeneration: 2,
    conditions: [
      {
        type: 'ReplicaFailure',
        status: 'True',
        message: 'exceeded quota',
        lastTransitionTime: '2030-01-01T00:00:00Z',
      },
      { type: 'Progressing', status: 'True', reason: 'ReplicaSetUpdated' },
    ],
  });
  const { conditions: _, ...counts } = deployment.status;
  expect(pruneDeployment({ ...deployment, status: counts }).status).toEqual(counts);
});

it('of a claim that others have made everything is kept by which it is used', () => {
  const { metadata, ...shared } = aClaim('shared', {
    metadata: { ownerReferences: [], creationTimestamp: '2030-01-01T00:00:00Z', labels: { team: 'a' } },
    spec: {
      accessModes: ['ReadWriteMany'],
      storageClassName: 'nfs',
      volumeName: 'pv-1',
      resources: { requests: { storage: '1Ti' } },
      volumeMode: 'Filesystem',
    },
    status: { phase: 'Bound', capacity: { storage: '2Ti' }, accessModes: ['ReadWriteMany'] },
  });
  const madeFor = { 'volume.kubernetes.io/selected-node': 'a' };
  const annotations = { 'volume.kubernetes.io/storage-provisioner': 'nfs.csi.k8s.io', ...madeFor };
  const pruned = pruneClaim({
    ...shared,
    metadata: { ...metadata, annotations, finalizers: ['kubernetes.io/x'] },
  });
  const model = aModel({ storage: { claimName: 'shared' } });
  const use = (claim: typeof pruned) =>
    useNamedClaim(aView({ model, otherClaims: [claim], storageClasses: [] }), {});
  expect(use(pruned)).toEqual(use({ ...shared, metadata }));
  expect(use(pruned).status?.storage?.size).toBe('2Ti');
  expect(pruned.metadata.annotations).toEqual(madeFor);
  expect(JSON.stringify(pruned)).not.toMatch(/provisioner|finalizers|volumeMode/);
});

it('of a node its labels are kept, and what it has for pods', () => {
  const node = aNode(
    'gpu-1',
    { 'nvidia.com/gpu.memory': '23034' },
    { memory: '64Gi', 'nvidia.com/gpu': '4' },
  );
  const whole = {
    ...node,
    metadata: { ...node.metadata, annotations: { 'csi.volume.kubernetes.io/nodeid': '{}' } },
    spec: { providerID: 'x', podCIDR: '10.0.0.0/24' },
    status: { ...node.status, images: [{ names: ['a'], sizeBytes: 1 }], conditions: [] },
  };
  const pruned = pruneNode(whole);
  expect(pruned).toEqual({ metadata: { ...node.metadata, generation: undefined }, status: node.status });
  expect(JSON.stringify(pruned)).not.toMatch(/nodeid|podCIDR|images|conditions/);
});

it('of the devices of a driver their node is kept and the memory of GPUs, and of others only that they are there', () => {
  const slice = aDeviceSlice('n', ['80Gi', undefined]);
  const attributes = { productName: { string: 'NVIDIA H100' } };
  const whole = {
    ...slice,
    metadata: { ...slice.metadata, labels: { a: 'b' } },
    spec: { ...slice.spec, devices: slice.spec.devices?.map((device) => ({ ...device, attributes })) ?? [] },
  };
  const { name, uid, resourceVersion } = slice.metadata;
  expect(pruneDevices(whole)).toEqual({ metadata: { name, uid, resourceVersion }, spec: slice.spec });
  const others = aDeviceSlice('n', ['80Gi'], 'nics.example.com');
  expect(pruneDevices(others).spec).toEqual({ ...others.spec, devices: [] });
});

it('of a StorageClass its name is kept, whether it is a default one, when it has volumes made and whether these grow', () => {
  const { metadata, ...standard } = aStorageClass('standard', {
    isDefault: true,
    volumeBindingMode: 'WaitForFirstConsumer',
    allowVolumeExpansion: true,
    parameters: { type: 'fast' },
    mountOptions: ['noatime'],
  });
  const annotations = { ...metadata.annotations, 'helm.sh/hook': 'pre-install' };
  expect(
    pruneStorageClass({ ...standard, metadata: { ...metadata, annotations, labels: { a: 'b' } } }),
  ).toEqual({
    metadata: {
      name: 'standard',
      uid: metadata.uid,
      resourceVersion: '1',
      annotations: metadata.annotations,
    },
    provisioner: 'example.com/disk',
    volumeBindingMode: 'WaitForFirstConsumer',
    allowVolumeExpansion: true,
  });
});

it('of a budget all is kept but how many pods may go', () => {
  const budget = { metadata: meta('chat'), spec: { maxUnavailable: 1 } };
  const status = { currentHealthy: 2, desiredHealthy: 1, disruptionsAllowed: 1, expectedPods: 2 };
  expect(pruneBudget({ ...budget, status })).toEqual(budget);
});
