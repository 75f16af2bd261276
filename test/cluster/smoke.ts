import { createServer } from 'node:http';
import { stringify } from 'yaml';
import { z } from 'zod';
import { startCluster } from './cluster.ts';
import { run, waitFor } from './commands.ts';
import { busyboxArchive, busyboxImage } from './native/busybox-image.ts';
import { ensureTools } from './tools/tools.ts';

/**
 * `node test/cluster/smoke.ts [name]`: whether a cluster does what the tests and the demo ask of one. In a namespace with
 * the restricted Pod Security standard a Job fills a claim, a Deployment with a GPU serves from it, and another pod
 * reaches that by the Service's name, and a server on this machine by address and by name.
 */
const say = (line: string) => console.log(line);
const namespace = 'smoke';
const name = process.argv[2] ?? 'smoke';
const onThisMachine = createServer((_, response) => response.end('from the host'));
await new Promise<void>((resolve) => onThisMachine.listen(0, '0.0.0.0', resolve));
const listening = onThisMachine.address();
const port = typeof listening === 'object' && listening ? listening.port : 0;

const cluster = await startCluster({ name, mode: 'node', say, hosts: { 'hub.test': 'host' } });
await cluster.loadImages([await busyboxArchive(say)]);
const { kubectl = 'kubectl' } = await ensureTools(['kubernetes'], { say, only: ['kubectl'] });
const kube = (args: string, input?: string) => {
  const options = { env: { ...process.env, KUBECONFIG: cluster.kubeconfig, NO_PROXY: '*' } };
  return run(kubectl, args.split(' '), input === undefined ? options : { ...options, input });
};

function container(command: string, more: object = {}) {
  return {
    name: 'main',
    image: busyboxImage,
    command: ['sh', '-euc', command],
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [{ name: 'data', mountPath: '/data' }],
    ...more,
  };
}

function pod(command: string, more: object = {}) {
  return {
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 10001,
      fsGroup: 10001,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    terminationGracePeriodSeconds: 0,
    volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
    containers: [container(command, more)],
  };
}

function job(name: string, command: string) {
  const template = { spec: { ...pod(command), restartPolicy: 'Never' } };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, namespace },
    spec: { backoffLimit: 0, template },
  };
}

const labels = { app: 'reader' };
// Without -T: busybox 1.35 as Debian builds it crashes on it.
const asks = [
  'http://reader:8080/greeting',
  `http://reader.${namespace}.svc.cluster.local:8080/greeting`,
  'http://reader-pods:8080/greeting',
  `http://${cluster.hostAddress}:${port}`,
  `http://hub.test:${port}`,
].map((url) => `wget -qO- ${url}; echo " (${url})"`);
const restricted = { 'pod-security.kubernetes.io/enforce': 'restricted' };
const ports = [{ port: 8080 }];
const objects = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels: restricted } },
  {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data', namespace },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  },
  job('fill', 'echo hello > /data/greeting'),
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'reader', namespace },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: pod('id; exec httpd -f -v -p 8080 -h /data', {
          resources: { limits: { 'nvidia.com/gpu': '1', memory: '64Mi', cpu: '500m' } },
          readinessProbe: { httpGet: { path: '/greeting', port: 8080 }, periodSeconds: 1 },
        }),
      },
    },
  },
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'reader', namespace },
    spec: { selector: labels, ports },
  },
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'reader-pods', namespace },
    spec: { selector: labels, ports, clusterIP: 'None' },
  },
];

const JobStatus = z.object({
  status: z.object({ succeeded: z.number().optional(), failed: z.number().optional() }),
});

async function succeeded(name: string): Promise<void> {
  const status = await waitFor(`Job ${name} to end`, async () => {
    const { status } = JobStatus.parse(JSON.parse(await kube(`-n ${namespace} get job ${name} -o json`)));
    return (status.succeeded ?? status.failed) ? status : undefined;
  });
  if (!status.succeeded)
    throw new Error(`Job ${name} failed: ${await kube(`-n ${namespace} logs job/${name}`)}`);
}

await kube(`delete namespace ${namespace} --ignore-not-found`);
await kube('apply -f -', objects.map((object) => stringify(object)).join('---\n'));
await succeeded('fill');
say('A Job filled a claim.');
await kube(`-n ${namespace} rollout status deployment/reader --timeout=60s`);
say('A Deployment with a GPU serves from it.');
await kube('apply -f -', stringify(job('ask', [...asks, '! wget -qO- http://nowhere.test'].join('\n'))));
await succeeded('ask');
say(`Another pod heard:\n${await kube(`-n ${namespace} logs job/ask`)}`);
say(`Logs: ${await kube(`-n ${namespace} logs deployment/reader --tail=1`)}`);
say(`Exec: ${await kube(`-n ${namespace} exec deployment/reader -- cat /data/greeting`)}`);
say(`GPUs: ${await kube('get nodes -o jsonpath={.items[*].status.allocatable.nvidia\\.com/gpu}')}`);
await kube(`delete namespace ${namespace}`);
await waitFor('the volume to be removed', async () =>
  (await kube('get pv -o name')) === '' ? true : undefined,
);
say('Its volume is gone with its claim.');
onThisMachine.close();
