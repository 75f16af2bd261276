import { describe, expect, it } from 'vitest';
import { RuntimeSettings } from '../../../protocols/runtime.ts';
import { anArtifact, aServer } from '../../testing/objects.ts';
import { serverPod } from './pod.ts';

const podOf = (spec: object = {}) =>
  serverPod(aServer(spec), { artifact: anArtifact(), image: 'runtime:1', memory: '512Mi' });
const specOf = (spec: object = {}) => podOf(spec).spec!;
const containerOf = (spec: object = {}) => specOf(spec).containers[0]!;
const settingsOf = (spec: object) => RuntimeSettings.parse(JSON.parse(containerOf(spec).env![0]!.value!));
const tolerated = (spec: object) => specOf(spec).tolerations?.map(({ key }) => key);

describe('what a server computes on', () => {
  it.each([
    ['GPUs of NVIDIA', { count: 4 }, { 'nvidia.com/gpu': '4' }, ['nvidia.com/gpu']],
    ['GPUs of AMD', { vendor: 'amd' }, { 'amd.com/gpu': '1' }, ['amd.com/gpu']],
    ['GPUs of Intel', { vendor: 'intel' }, { 'gpu.intel.com/i915': '1' }, ['gpu.intel.com/i915']],
    [
      'a slice of a GPU, on nodes that are tainted by the whole one',
      { resourceName: 'nvidia.com/mig-1g.10gb' },
      { 'nvidia.com/mig-1g.10gb': '1' },
      ['nvidia.com/gpu', 'nvidia.com/mig-1g.10gb'],
    ],
  ] as const)('is %s', (_, gpu, limits, taints) => {
    expect(containerOf({ gpu }).resources?.limits).toEqual(limits);
    expect(tolerated({ gpu })).toEqual(taints);
    expect(settingsOf({ gpu }).gpu).toBe(true);
  });

  it('is the CPU when no GPU is wanted, and then it does not go to their nodes', () => {
    expect(containerOf({ gpu: { count: 0 } }).resources?.limits).toEqual({});
    expect(tolerated({ gpu: { count: 0 } })).toEqual([]);
    expect(settingsOf({ gpu: { count: 0 } }).gpu).toBe(false);
  });

  it('is the devices of its claims, beside which it asks for none', () => {
    const resourceClaims = [{ name: 'gpus', resourceClaimTemplateName: 'two-gpus' }];
    const gpu = { count: 2, resourceClaims };
    expect(specOf({ gpu }).resourceClaims).toEqual(resourceClaims);
    expect(containerOf({ gpu }).resources).toMatchObject({ limits: {}, claims: [{ name: 'gpus' }] });
  });

  it('asks for the memory that is foreseen, where the spec says nothing of memory', () => {
    const requestsOf = (resources: object) => containerOf({ pod: { resources } }).resources?.requests;
    expect(requestsOf({})).toEqual({ memory: '512Mi' });
    expect(requestsOf({ requests: { cpu: '2' } })).toEqual({ cpu: '2', memory: '512Mi' });
    expect(requestsOf({ requests: { memory: '1Gi' } })).toEqual({ memory: '1Gi' });
    // The API server makes a limit the request as well.
    expect(requestsOf({ limits: { memory: '1Gi' } })).toBeUndefined();
  });

  it('is not changed by the limits of the pod', () => {
    const limits = { memory: '8Gi', 'nvidia.com/gpu': '9' };
    expect(containerOf({ pod: { resources: { limits } } }).resources?.limits).toEqual({
      memory: '8Gi',
      'nvidia.com/gpu': '1',
    });
  });
});

describe('where a server runs', () => {
  it('is where the pod options say', () => {
    const toleration = { key: 'spot', operator: 'Exists' };
    const affinity = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [] } };
    const pod = {
      nodeSelector: { zone: 'a' },
      tolerations: [toleration],
      affinity,
      priorityClassName: 'high',
      runtimeClassName: 'nvidia',
    };
    expect(specOf({ pod })).toMatchObject({
      nodeSelector: { zone: 'a' },
      tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists' }, toleration],
      affinity,
      priorityClassName: 'high',
      runtimeClassName: 'nvidia',
    });
  });

  it('is where the other pods of its volume are, where that is on one node at a time', () => {
    const on = (volume: string | undefined, pod = {}) =>
      serverPod(aServer({ pod }), { artifact: anArtifact(), image: 'runtime:1', memory: '512Mi', volume });
    const term = {
      labelSelector: { matchLabels: { 'longshore.dev/volume': 'uid' } },
      topologyKey: 'kubernetes.io/hostname',
    };
    const podAffinity = { requiredDuringSchedulingIgnoredDuringExecution: [term] };
    expect(on('uid').spec?.affinity).toEqual({ podAffinity });
    // The first one may go anywhere, since it is one of those.
    expect(on('uid').metadata?.labels).toMatchObject(term.labelSelector.matchLabels);
    const nodeAffinity = {};
    expect(on('uid', { affinity: { nodeAffinity } }).spec?.affinity).toEqual({ nodeAffinity, podAffinity });
    expect(on(undefined).spec).not.toHaveProperty('affinity');
    expect(on(undefined).metadata?.labels).not.toHaveProperty('longshore.dev/volume');
  });

  it('is spread as the pod options say, over the pods of the server', () => {
    const spread = { topologyKey: 'rack', maxSkew: 2, whenUnsatisfiable: 'DoNotSchedule' };
    expect(specOf({ pod: { topologySpread: [spread] } }).topologySpreadConstraints).toEqual([
      {
        ...spread,
        labelSelector: { matchLabels: { 'longshore.dev/server': 'chat' } },
        matchLabelKeys: ['pod-template-hash'],
      },
    ]);
    expect(specOf({ pod: { topologySpread: [] } }).topologySpreadConstraints).toEqual([]);
  });
});

describe('what else of a pod may be chosen', () => {
  it('are labels, which cannot take the place of ours, and annotations', () => {
    const labels = { team: 'search', 'app.kubernetes.io/name': 'other' };
    expect(podOf({ pod: { labels, annotations: { note: 'x' } } }).metadata).toEqual({
      labels: {
        team: 'search',
        'app.kubernetes.io/managed-by': 'longshore',
        'app.kubernetes.io/name': 'longshore-runtime',
        'longshore.dev/server': 'chat',
      },
      annotations: { note: 'x', 'longshore.dev/model-digest': anArtifact().digest },
    });
  });

  it('are variables, behind our own', () => {
    const env = [{ name: 'GGML_CUDA_FORCE_MMQ', value: '1' }];
    expect(containerOf({ pod: { env } }).env?.map(({ name }) => name)).toEqual([
      'LONGSHORE_SETTINGS',
      'LONGSHORE_GRACE_SECONDS',
      'GGML_CUDA_FORCE_MMQ',
    ]);
  });

  it('are groups, beside what keeps the pod harmless', () => {
    expect(specOf({ pod: { supplementalGroups: [44, 109] } }).securityContext).toEqual({
      ...specOf().securityContext,
      supplementalGroups: [44, 109],
    });
    expect(specOf().securityContext).toMatchObject({ runAsNonRoot: true });
  });

  it('is the size of shared memory', () => {
    const pod = { sharedMemorySize: '1Gi' };
    expect(specOf({ pod }).volumes).toContainEqual({
      name: 'shared-memory',
      emptyDir: { medium: 'Memory', sizeLimit: '1Gi' },
    });
    expect(containerOf({ pod }).volumeMounts).toContainEqual({
      name: 'shared-memory',
      mountPath: '/dev/shm',
    });
  });

  it('are the Secrets that its image is pulled with', () => {
    const imagePullSecrets = [{ name: 'registry' }];
    expect(specOf({ pod: { imagePullSecrets } }).imagePullSecrets).toEqual(imagePullSecrets);
  });
});

it('a pod mounts the Secret with the API keys, which may come later', () => {
  const auth = { secretName: 'keys' };
  expect(specOf({ auth }).volumes).toContainEqual({
    name: 'api-keys',
    secret: { secretName: 'keys', optional: true, defaultMode: 0o440 },
  });
  const mount = { name: 'api-keys', mountPath: '/api-keys', readOnly: true };
  expect(containerOf({ auth }).volumeMounts).toContainEqual(mount);
  expect(settingsOf({ auth }).apiKeys).toEqual({ path: '/api-keys', name: 'Secret keys' });
});
