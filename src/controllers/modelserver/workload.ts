import type { ModelServer } from '../../api/modelserver.ts';
import type { Deployment, Service } from '../../kube/builtin.ts';
import { controlledBy, type Desired, type Live } from '../../kube/kind.ts';
import { volumeFolder } from '../../protocols/puller.ts';
import { apiKeysFolder, runtimePort, settingsVariable } from '../../protocols/runtime.ts';
import { modelServers } from '../kinds.ts';
import { labels, managedBy } from '../labels.ts';
import { hardenedContainer, hardenedPod } from '../pod-security.ts';
import { runtimeSettings, type Artifact } from './settings.ts';

type Named<T extends object> = Desired<T> & { metadata: { name: string; namespace: string } };

/** The port that clients use; the pods listen on runtimePort. */
const servicePort = 80;

export function selectorLabels(name: string): Record<string, string> {
  return { [labels.server]: name };
}

/** The URL of the server inside the cluster. */
export function endpoint({ metadata }: Live<ModelServer>): string {
  return `http://${metadata.name}.${metadata.namespace}.svc`;
}

export function serverService(server: Live<ModelServer>): Named<Service> {
  const { name, namespace } = server.metadata;
  return {
    metadata: {
      name,
      namespace,
      labels: { ...managedBy, ...selectorLabels(name) },
      ownerReferences: [controlledBy(modelServers, server)],
    },
    spec: {
      type: 'ClusterIP',
      selector: selectorLabels(name),
      ports: [{ name: 'http', protocol: 'TCP', port: servicePort, targetPort: 'http' }],
    },
  };
}

export function serverDeployment(
  server: Live<ModelServer>,
  artifact: Artifact,
  image: string,
): Named<Deployment> {
  const { name, namespace } = server.metadata;
  const { replicas, gpu, pod, auth } = server.spec;
  const ours = { ...managedBy, 'app.kubernetes.io/name': 'longshore-runtime', ...selectorLabels(name) };
  const settings = runtimeSettings(server, artifact);
  // Extended resources cannot be overcommitted: the request follows the limit by itself.
  const gpus = gpu.count > 0 ? { [gpu.resourceName]: String(gpu.count) } : {};
  return {
    metadata: {
      name,
      namespace,
      labels: ours,
      ownerReferences: [controlledBy(modelServers, server)],
    },
    spec: {
      replicas,
      selector: { matchLabels: selectorLabels(name) },
      // Loading takes minutes; without a bound a rollout that cannot end would look like one that goes on.
      progressDeadlineSeconds: 3600,
      template: {
        metadata: { labels: ours },
        spec: {
          ...hardenedPod,
          // A pod that is told to stop finishes the answers it has begun.
          terminationGracePeriodSeconds: 60,
          nodeSelector: pod?.nodeSelector,
          tolerations: [
            ...(gpu.count > 0 ? [{ key: gpu.resourceName, operator: 'Exists' }] : []),
            ...(pod?.tolerations ?? []),
          ],
          containers: [
            {
              name: 'runtime',
              image,
              env: [{ name: settingsVariable, value: JSON.stringify(settings) }],
              ports: [{ name: 'http', containerPort: runtimePort, protocol: 'TCP' }],
              resources: {
                requests: pod?.resources?.requests,
                limits: { ...pod?.resources?.limits, ...gpus },
              },
              readinessProbe: {
                httpGet: { path: '/readyz', port: 'http' },
                periodSeconds: 2,
                failureThreshold: 1,
              },
              // The process answers while it loads, so this bounds its start and not the load.
              livenessProbe: {
                httpGet: { path: '/healthz', port: 'http' },
                initialDelaySeconds: 30,
                periodSeconds: 10,
                timeoutSeconds: 10,
                failureThreshold: 6,
              },
              terminationMessagePolicy: 'File',
              volumeMounts: [
                { name: 'models', mountPath: volumeFolder, readOnly: true },
                { name: 'tmp', mountPath: '/tmp' },
                ...(auth ? [{ name: 'api-keys', mountPath: apiKeysFolder, readOnly: true }] : []),
              ],
              ...hardenedContainer,
            },
          ],
          volumes: [
            { name: 'models', persistentVolumeClaim: { claimName: artifact.claimName, readOnly: true } },
            { name: 'tmp', emptyDir: {} },
            ...(auth ? [apiKeysVolume(auth.secretName)] : []),
          ],
        },
      },
    },
  };
}

/** Optional, so that a Secret that is not there becomes an error with a name instead of a pod that never starts. */
function apiKeysVolume(secretName: string) {
  return { name: 'api-keys', secret: { secretName, optional: true, defaultMode: 0o440 } };
}
