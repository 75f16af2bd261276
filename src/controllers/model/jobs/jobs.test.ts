import { describe, expect, it } from 'vitest';
import { CollectRequest, PullerRequest } from '../../../protocols/puller.ts';
import { aModel, commit, meta } from '../../testing/objects.ts';
import { collectJob, inspectJob, jobName, pullJob } from './jobs.ts';

const plan = { request: '0123456789abcdef', attempt: 2, image: 'puller:1', defaults: {} };
const pullPlan = { ...plan, revision: commit, claimName: 'qwen-01234567' };
const podOf = (job: ReturnType<typeof pullJob>) => job.spec!.template.spec!;
const containerOf = (job: ReturnType<typeof pullJob>) => podOf(job).containers[0]!;

describe('inspectJob', () => {
  it('is, whole', () => {
    const labels = {
      'app.kubernetes.io/managed-by': 'longshore',
      'app.kubernetes.io/name': 'longshore-puller',
      'longshore.dev/model': 'qwen',
      'longshore.dev/model-uid': 'uid-of-qwen',
      'longshore.dev/task': 'inspect',
      'longshore.dev/request': '0123456789abcdef',
      'longshore.dev/attempt': '2',
    };
    // Through JSON, as it is sent: members that are undefined are none.
    expect(JSON.parse(JSON.stringify(inspectJob(aModel(), plan)))).toEqual({
      metadata: {
        name: 'qwen-inspect-01234567-2',
        namespace: 'ns',
        labels,
        ownerReferences: [
          {
            apiVersion: 'longshore.dev/v1alpha1',
            kind: 'Model',
            name: 'qwen',
            uid: 'uid-of-qwen',
            controller: true,
            blockOwnerDeletion: true,
          },
        ],
      },
      spec: {
        backoffLimit: 0,
        activeDeadlineSeconds: 120,
        ttlSecondsAfterFinished: 3600,
        podFailurePolicy: {
          rules: [
            { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
            { action: 'FailJob', onExitCodes: { operator: 'In', values: [2] } },
          ],
        },
        template: {
          metadata: { labels },
          spec: {
            automountServiceAccountToken: false,
            enableServiceLinks: false,
            restartPolicy: 'Never',
            securityContext: {
              runAsNonRoot: true,
              runAsUser: 65532,
              runAsGroup: 65532,
              fsGroup: 65532,
              fsGroupChangePolicy: 'OnRootMismatch',
              seccompProfile: { type: 'RuntimeDefault' },
            },
            tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists' }],
            affinity: {
              nodeAffinity: {
                preferredDuringSchedulingIgnoredDuringExecution: [
                  {
                    weight: 100,
                    preference: {
                      matchExpressions: [{ key: 'nvidia.com/gpu.present', operator: 'In', values: ['true'] }],
                    },
                  },
                ],
              },
            },
            containers: [
              {
                name: 'puller',
                image: 'puller:1',
                args: ['/app/puller.js', 'inspect'],
                env: [
                  {
                    name: 'LONGSHORE_REQUEST',
                    value:
                      '{"source":{"huggingFace":{"repo":"owner/name","revision":"main","endpoint":"https://huggingface.co"}},"credentials":false}',
                  },
                ],
                ports: [{ name: 'progress', containerPort: 9440 }],
                resources: { requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '512Mi' } },
                terminationMessagePolicy: 'File',
                volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
                securityContext: {
                  allowPrivilegeEscalation: false,
                  readOnlyRootFilesystem: true,
                  capabilities: { drop: ['ALL'] },
                },
              },
            ],
            volumes: [{ name: 'tmp', emptyDir: {} }],
          },
        },
      },
    });
  });
});

describe('pullJob', () => {
  it('mounts the claim, and asks for the commit that was found', () => {
    const job = pullJob(aModel(), pullPlan);
    expect(podOf(job).volumes).toContainEqual({
      name: 'models',
      persistentVolumeClaim: { claimName: 'qwen-01234567' },
    });
    expect(containerOf(job).volumeMounts).toContainEqual({ name: 'models', mountPath: '/models' });
    expect(PullerRequest.parse(JSON.parse(containerOf(job).env![0]!.value!))).toMatchObject({
      revision: commit,
      modelUid: 'uid-of-qwen',
    });
  });

  it('may take as long as it needs, and be killed a few times', () => {
    expect(pullJob(aModel(), pullPlan).spec).toMatchObject({
      backoffLimit: 3,
      activeDeadlineSeconds: undefined,
    });
  });

  it('takes what the spec says of how and where it runs', () => {
    const toleration = { key: 'maintenance', operator: 'Exists' as const };
    const puller = {
      resources: { limits: { memory: '8Gi' } },
      nodeSelector: { disk: 'fast' },
      tolerations: [toleration],
    };
    const job = pullJob(aModel({ puller }), pullPlan);
    expect(containerOf(job).resources).toEqual({ limits: { memory: '8Gi' } });
    expect(podOf(job)).toMatchObject({
      nodeSelector: { disk: 'fast' },
      tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists' }, toleration],
    });
  });

  it('goes where the Model has it go, and near GPUs where that is not said', () => {
    const podAntiAffinity = {
      requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'kubernetes.io/hostname' }],
    };
    const nodeAffinity = {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In' as const, values: ['a'] }] }],
      },
    };
    const gpuNodes = podOf(pullJob(aModel(), pullPlan)).affinity;
    const puller = { affinity: { podAntiAffinity }, priorityClassName: 'low' };
    expect(podOf(pullJob(aModel({ puller }), pullPlan))).toMatchObject({
      affinity: { ...gpuNodes, podAntiAffinity },
      priorityClassName: 'low',
    });
    const elsewhere = aModel({ puller: { affinity: { nodeAffinity } } });
    expect(podOf(pullJob(elsewhere, pullPlan)).affinity).toEqual({ nodeAffinity });
  });

  it('takes from the operator what the Model does not say', () => {
    const defaults = { connections: 8, bandwidthLimit: '1G', nodeSelector: { disk: 'fast' } };
    const job = pullJob(aModel({ puller: { connections: 16 } }), { ...pullPlan, defaults });
    expect(podOf(job).nodeSelector).toEqual({ disk: 'fast' });
    expect(containerOf(job).env!.slice(1)).toEqual([
      { name: 'LONGSHORE_CONNECTIONS', value: '8' },
      { name: 'LONGSHORE_BYTES_PER_SECOND', value: '1000000000' },
    ]);
  });

  it.for(['inspect', 'pull'] as const)('reaches its source through proxies, for %s too', (task) => {
    const proxy = { httpsProxy: 'http://proxy.internal:3128', secretName: 'proxy-user' };
    const model = aModel({ puller: { proxy, caBundle: { configMapName: 'company-ca' } } });
    const job = task === 'inspect' ? inspectJob(model, plan) : pullJob(model, pullPlan);
    const { env, volumeMounts } = containerOf(job);
    expect(env).toContainEqual({ name: 'HTTPS_PROXY', value: 'http://proxy.internal:3128' });
    expect(PullerRequest.parse(JSON.parse(env![0]!.value!))).toMatchObject({
      proxyCredentials: { name: 'Secret proxy-user', required: true },
      caBundle: { name: 'ConfigMap company-ca (key ca.crt)', required: true },
    });
    const mounted = volumeMounts!.map(({ name }) => name);
    expect(mounted).toEqual(expect.arrayContaining(['proxy-credentials', 'ca-bundle']));
    expect(podOf(job).volumes!.map(({ name }) => name)).toEqual(mounted);
  });

  it.for(['inspect', 'pull'] as const)('has the token mounted by the kubelet, for %s too', (task) => {
    const model = aModel({ credentials: { secretName: 'hub', key: 'hf' } });
    const job = task === 'inspect' ? inspectJob(model, plan) : pullJob(model, pullPlan);
    const one = (key: string, path: string) => ({
      secret: { name: 'hub', items: [{ key, path }], optional: true },
    });
    expect(podOf(job).volumes).toContainEqual({
      name: 'credentials',
      projected: {
        defaultMode: 0o440,
        sources: [one('hf', 'token'), one('username', 'username'), one('host', 'host')],
      },
    });
    expect(containerOf(job).volumeMounts).toContainEqual({
      name: 'credentials',
      mountPath: '/var/run/longshore/credentials',
      readOnly: true,
    });
    expect(containerOf(job).env![0]!.value).toContain('"credentials":true');
    expect(JSON.stringify(containerOf(job).env)).not.toContain('hub"');
  });

  it('has the logins of a docker Secret mounted under a name of their own', () => {
    const job = inspectJob(aModel({ credentials: { secretName: 'pull', key: '.dockerconfigjson' } }), plan);
    const items = [{ key: '.dockerconfigjson', path: 'dockerconfig.json' }];
    expect(podOf(job).volumes).toContainEqual({
      name: 'credentials',
      projected: { defaultMode: 0o440, sources: [{ secret: { name: 'pull', items, optional: true } }] },
    });
  });
});

describe('a Job for weights that are on a claim already', () => {
  const model = aModel({ source: { volume: { claimName: 'staged', path: 'models' } } });

  it.for(['inspect', 'pull'] as const)('mounts the claim read-only: %s', (task) => {
    const job =
      task === 'inspect' ? inspectJob(model, plan) : pullJob(model, { ...pullPlan, claimName: 'staged' });
    expect(podOf(job).volumes).toContainEqual({
      name: 'models',
      persistentVolumeClaim: { claimName: 'staged', readOnly: true },
    });
    expect(containerOf(job).volumeMounts).toContainEqual({
      name: 'models',
      mountPath: '/models',
      readOnly: true,
    });
  });
});

describe('collectJob', () => {
  const collect = { ...plan, claim: { name: 'shared', uid: 'c' }, except: ['sha256:a'], graceSeconds: 60 };

  it('mounts the claim, keeps what it is told to, and goes with the Model that owns it', () => {
    const model = aModel({ credentials: { secretName: 'hub' } });
    const job = collectJob(model, { ...collect, ownedBy: model });
    expect(CollectRequest.parse(JSON.parse(containerOf(job).env![0]!.value!))).toEqual({
      forget: { modelUid: 'uid-of-qwen', except: ['sha256:a'] },
      graceSeconds: 60,
    });
    expect(podOf(job).volumes).toContainEqual({
      name: 'models',
      persistentVolumeClaim: { claimName: 'shared' },
    });
    expect(podOf(job).volumes?.map(({ name }) => name)).not.toContain('credentials');
    expect(job.metadata.ownerReferences).toMatchObject([{ uid: 'uid-of-qwen' }]);
    expect(job.spec).toMatchObject({ ttlSecondsAfterFinished: 3600, activeDeadlineSeconds: 1800 });
  });

  it('stays for as long as nobody removes it when nobody owns it', () => {
    const job = collectJob(aModel(), collect);
    expect(job.metadata).not.toHaveProperty('ownerReferences');
    expect(job.spec).not.toHaveProperty('ttlSecondsAfterFinished');
  });
});

describe('jobName', () => {
  it('fits into a label, as the Job controller needs it, for the longest name and many attempts', () => {
    const model = { ...aModel(), metadata: meta('m'.repeat(40)) };
    expect(jobName(model.metadata, { task: 'inspect', ...plan, attempt: 9999 }).length).toBeLessThanOrEqual(
      63,
    );
  });
});
