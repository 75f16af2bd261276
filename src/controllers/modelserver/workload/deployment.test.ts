import { describe, expect, it } from 'vitest';
import { RuntimeSettings } from '../../../protocols/runtime.ts';
import { anArtifact, aServer, commit } from '../../testing/objects.ts';
import { serverDeployment } from './deployment.ts';

const deploy = (spec: object = {}, artifact = anArtifact()) =>
  serverDeployment(aServer(spec), artifact, 'runtime:1');
const podOf = (deployment: ReturnType<typeof deploy>) => deployment.spec!.template.spec!;
const containerOf = (deployment: ReturnType<typeof deploy>) => podOf(deployment).containers[0]!;
const settingsOf = (deployment: ReturnType<typeof deploy>) =>
  RuntimeSettings.parse(JSON.parse(containerOf(deployment).env![0]!.value!));
const owner = {
  apiVersion: 'longshore.dev/v1alpha1',
  kind: 'ModelServer',
  name: 'chat',
  uid: 'uid-of-chat',
  controller: true,
  blockOwnerDeletion: true,
};

describe('serverDeployment', () => {
  it('is, whole', () => {
    const labels = {
      'app.kubernetes.io/managed-by': 'longshore',
      'app.kubernetes.io/name': 'longshore-runtime',
      'longshore.dev/server': 'chat',
    };
    expect(JSON.parse(JSON.stringify(deploy()))).toEqual({
      metadata: { name: 'chat', namespace: 'ns', labels, ownerReferences: [owner] },
      spec: {
        replicas: 1,
        selector: { matchLabels: { 'longshore.dev/server': 'chat' } },
        progressDeadlineSeconds: 3600,
        template: {
          metadata: { labels },
          spec: {
            automountServiceAccountToken: false,
            enableServiceLinks: false,
            terminationGracePeriodSeconds: 60,
            securityContext: {
              runAsNonRoot: true,
              runAsUser: 65532,
              runAsGroup: 65532,
              fsGroup: 65532,
              fsGroupChangePolicy: 'OnRootMismatch',
              seccompProfile: { type: 'RuntimeDefault' },
            },
            tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists' }],
            containers: [
              {
                name: 'runtime',
                image: 'runtime:1',
                env: [
                  {
                    name: 'LONGSHORE_SETTINGS',
                    value: `{"servedName":"chat","modelPath":"/models/hf/owner/name/${commit}/model.gguf","parallel":1,"gpu":true}`,
                  },
                ],
                ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
                resources: { limits: { 'nvidia.com/gpu': '1' } },
                readinessProbe: {
                  httpGet: { path: '/readyz', port: 'http' },
                  periodSeconds: 2,
                  failureThreshold: 1,
                },
                livenessProbe: {
                  httpGet: { path: '/healthz', port: 'http' },
                  initialDelaySeconds: 30,
                  periodSeconds: 10,
                  timeoutSeconds: 10,
                  failureThreshold: 6,
                },
                terminationMessagePolicy: 'File',
                volumeMounts: [
                  { name: 'models', mountPath: '/models', readOnly: true },
                  { name: 'tmp', mountPath: '/tmp' },
                ],
                securityContext: {
                  allowPrivilegeEscalation: false,
                  readOnlyRootFilesystem: true,
                  capabilities: { drop: ['ALL'] },
                },
              },
            ],
            volumes: [
              { name: 'models', persistentVolumeClaim: { claimName: 'qwen-claim', readOnly: true } },
              { name: 'tmp', emptyDir: {} },
            ],
          },
        },
      },
    });
  });

  it('asks for the GPUs that are wanted and tolerates their taint', () => {
    const deployment = deploy({ gpu: { count: 4, resourceName: 'amd.com/gpu' } });
    expect(containerOf(deployment).resources?.limits).toEqual({ 'amd.com/gpu': '4' });
    expect(podOf(deployment).tolerations).toEqual([{ key: 'amd.com/gpu', operator: 'Exists' }]);
  });

  it('neither asks for GPUs nor goes to their nodes when none is wanted', () => {
    const deployment = deploy({ gpu: { count: 0 } });
    expect(containerOf(deployment).resources?.limits).toEqual({});
    expect(podOf(deployment).tolerations).toEqual([]);
    expect(settingsOf(deployment).gpu).toBe(false);
  });

  it('keeps the GPUs whatever limits the pod is given', () => {
    const limits = { memory: '8Gi', 'nvidia.com/gpu': '9' };
    expect(containerOf(deploy({ pod: { resources: { limits } } })).resources?.limits).toEqual({
      memory: '8Gi',
      'nvidia.com/gpu': '1',
    });
  });

  it('runs where the pod options say', () => {
    const toleration = { key: 'spot', operator: 'Exists' };
    const deployment = deploy({ pod: { nodeSelector: { zone: 'a' }, tolerations: [toleration] } });
    expect(podOf(deployment).nodeSelector).toEqual({ zone: 'a' });
    expect(podOf(deployment).tolerations).toContainEqual(toleration);
  });

  it('mounts the Secret with the API keys, which may come later', () => {
    const deployment = deploy({ auth: { secretName: 'keys' } });
    expect(podOf(deployment).volumes).toContainEqual({
      name: 'api-keys',
      secret: { secretName: 'keys', optional: true, defaultMode: 0o440 },
    });
    const mount = { name: 'api-keys', mountPath: '/api-keys', readOnly: true };
    expect(containerOf(deployment).volumeMounts).toContainEqual(mount);
    expect(settingsOf(deployment).apiKeys).toEqual({ path: '/api-keys', name: 'Secret keys' });
  });

  it('does not change with what is not its own: the same server gives the same object', () => {
    expect(deploy()).toEqual(deploy());
  });
});
