import { describe, expect, it } from 'vitest';
import { anArtifact, aServer, commit } from '../../testing/objects.ts';
import { serverDeployment } from './deployment.ts';
import { serverPod } from './pod.ts';

const artifact = anArtifact({ sizeBytes: 4_700_000_000 });
const deploy = (spec: object = {}) =>
  serverDeployment(aServer(spec), {
    template: serverPod(aServer(spec), { artifact, image: 'runtime:1', memory: '512Mi' }),
    strategy: { type: 'RollingUpdate' },
    progressDeadlineSeconds: 60,
    annotations: { note: 'x' },
  });
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
      metadata: {
        name: 'chat',
        namespace: 'ns',
        labels,
        annotations: { note: 'x' },
        ownerReferences: [owner],
      },
      spec: {
        replicas: 1,
        selector: { matchLabels: { 'longshore.dev/server': 'chat' } },
        strategy: { type: 'RollingUpdate' },
        progressDeadlineSeconds: 60,
        template: {
          metadata: { labels, annotations: { 'longshore.dev/model-digest': anArtifact().digest } },
          spec: {
            serviceAccountName: 'chat-server',
            automountServiceAccountToken: false,
            enableServiceLinks: false,
            terminationGracePeriodSeconds: 310,
            securityContext: {
              runAsNonRoot: true,
              runAsUser: 65532,
              runAsGroup: 65532,
              fsGroup: 65532,
              fsGroupChangePolicy: 'OnRootMismatch',
              seccompProfile: { type: 'RuntimeDefault' },
            },
            tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists' }],
            topologySpreadConstraints: ['kubernetes.io/hostname', 'topology.kubernetes.io/zone'].map(
              (topologyKey) => ({
                topologyKey,
                maxSkew: 1,
                whenUnsatisfiable: 'ScheduleAnyway',
                labelSelector: { matchLabels: { 'longshore.dev/server': 'chat' } },
                matchLabelKeys: ['pod-template-hash'],
              }),
            ),
            containers: [
              {
                name: 'runtime',
                image: 'runtime:1',
                env: [
                  {
                    name: 'LONGSHORE_SETTINGS',
                    value: `{"servedName":"chat","modelPath":"/models/hf/owner/name/${commit}/model.gguf","modelDigest":"${anArtifact().digest}","parallel":1,"gpu":true}`,
                  },
                  { name: 'LONGSHORE_GRACE_SECONDS', value: '300' },
                ],
                ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
                resources: { requests: { memory: '512Mi' }, limits: { 'nvidia.com/gpu': '1' } },
                readinessProbe: {
                  httpGet: { path: '/readyz', port: 'http' },
                  periodSeconds: 2,
                  failureThreshold: 1,
                },
                startupProbe: {
                  httpGet: { path: '/readyz', port: 'http' },
                  periodSeconds: 2,
                  failureThreshold: 197,
                },
                livenessProbe: {
                  httpGet: { path: '/healthz', port: 'http' },
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

  it('has the same pods whatever their number: scaling rolls nothing', () => {
    const [one, many] = [1, 5].map((replicas) => deploy({ replicas }).spec);
    expect(many).toEqual({ ...one, replicas: 5 });
  });

  it('does not change with what is not its own: the same server gives the same object', () => {
    expect(deploy()).toEqual(deploy());
  });
});
