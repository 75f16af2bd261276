import { KubeConfig } from '@kubernetes/client-node';
import { describe, expect, inject } from 'vitest';
import { ModelServer, type ModelServerSpec } from '../../src/api/modelserver.ts';
import { Model } from '../../src/api/model.ts';
import { apiVersion } from '../../src/api/kubernetes.ts';
import { collectJob, inspectJob, pullJob } from '../../src/controllers/model/jobs/jobs.ts';
import { planRollout } from '../../src/controllers/modelserver/rollout/plan.ts';
import { workloadObjects } from '../../src/controllers/modelserver/workload/objects.ts';
import { aServerView } from '../../src/controllers/testing/objects.ts';
import {
  deployments,
  jobs,
  networkPolicies,
  podDisruptionBudgets,
  pods,
  serviceAccounts,
  type Deployment,
  type Job,
} from '../../src/kube/builtin.ts';
import { pathOf, type Kind, type KubeObject, type Live } from '../../src/kube/kind.ts';
import { Transport } from '../../src/kube/transport.ts';
import { eventually } from './eventually.ts';
import { serves } from './fake-kubelet.ts';
import { it as inWorld } from './it.ts';
import { isReady, serversAsWritten } from './objects.ts';
import { OperatorAccount } from './operator-account.ts';
import { pullerImage, runtimeImages } from './operator-process.ts';

/** A world, and in its namespace the account that the chart makes for an operator. */
const it = inWorld
  .extend('account', { scope: 'file' }, async ({ world }, { onCleanup }) => {
    const account = await OperatorAccount.install(inject('kubectl'), inject('kubeconfig'), world.namespace);
    onCleanup(() => account[Symbol.asyncDispose]());
    return account;
  })
  .extend('send', { scope: 'file' }, async ({ world, account }, { onCleanup }) => {
    const transports = { admin: inject('kubeconfig'), operator: account.kubeconfig };
    const [admin, operator] = Object.values(transports).map((file) => {
      const config = new KubeConfig();
      config.loadFromFile(file);
      return new Transport(config, 'longshore-operator');
    });
    onCleanup(async () => {
      await Promise.all([admin?.close(), operator?.close()]);
    });
    /** Asks what the API server would say of an object, down to a field that it does not know. Empty: it would take it. */
    return async (who: 'admin' | 'operator', kind: Kind<KubeObject>, object: KubeObject): Promise<string> => {
      const { name = '' } = object.metadata ?? {};
      const response = await (who === 'admin' ? admin : operator)!.send(
        {
          method: 'PATCH',
          path: pathOf(kind, { namespace: world.namespace, name }),
          query: { dryRun: 'All', fieldManager: 'longshore', fieldValidation: 'Strict', force: true },
          contentType: 'application/apply-patch+yaml',
          body: { apiVersion: kind.apiVersion, kind: kind.kind, ...object },
        },
        AbortSignal.timeout(20_000),
      );
      const { message = 'no words' } = JSON.parse(await response.text()) as { message?: string };
      return response.status < 300 ? '' : message;
    };
  });

const network = {
  clients: [{ namespaceSelector: { matchLabels: { team: 'a' } }, podSelector: {} }],
  monitoring: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } }],
  egress: [{ to: [{ podSelector: {} }], ports: [{ port: 15012, protocol: 'TCP' as const }] }],
};
const meta = (namespace: string, name: string) => ({
  name,
  namespace,
  uid: 'uid',
  resourceVersion: '1',
  generation: 1,
});

function serverOf(namespace: string, spec: object): Live<ModelServer> {
  const metadata = meta(namespace, 'chat');
  const written = { apiVersion, kind: 'ModelServer', metadata, spec: { modelRef: { name: 'm' }, ...spec } };
  return { ...ModelServer.parse(written), metadata };
}
function deploymentOf(namespace: string, spec: object = {}) {
  const server = serverOf(namespace, spec);
  return planRollout(aServerView({ server, image: runtimeImages.cpu }))!.deployment;
}
const everything: Partial<ModelServerSpec> = {
  servedNames: ['llama3.1:8b'],
  replicas: 3,
  gpu: { count: 2, vendor: 'amd', resourceClaims: [{ name: 'g', resourceClaimTemplateName: 'two' }] },
  auth: { secretName: 'keys' },
  pod: {
    resources: { requests: { cpu: '2' }, limits: { memory: '16Gi' } },
    nodeSelector: { zone: 'a' },
    tolerations: [{ key: 'spot', operator: 'Exists' }],
    affinity: {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { topologyKey: 'zone', labelSelector: { matchLabels: { app: 'x' } } },
        ],
      },
    },
    topologySpread: [
      {
        topologyKey: 'zone',
        maxSkew: 2,
        whenUnsatisfiable: 'DoNotSchedule',
        minDomains: 2,
        nodeAffinityPolicy: 'Honor',
        nodeTaintsPolicy: 'Honor',
      },
    ],
    priorityClassName: 'high',
    runtimeClassName: 'nvidia',
    labels: { team: 'search' },
    annotations: { note: 'x' },
    env: [{ name: 'GGML_CUDA_FORCE_MMQ', value: '1' }],
    imagePullSecrets: [{ name: 'registry' }],
    supplementalGroups: [44, 109],
    sharedMemorySize: '1Gi',
  },
};

describe.concurrent('what the operator writes for a ModelServer', () => {
  it.for([
    ['that says nothing of itself', {}],
    ['on the CPU', { gpu: { count: 0 } }],
    ['on a slice of a GPU', { gpu: { resourceName: 'nvidia.com/mig-1g.10gb' } }],
    ['that says all there is to say', everything],
  ] as const)('%s is what the API server knows and the policy admits', async ([, spec], { world, send }) => {
    const server = serverOf(world.namespace, spec);
    const deployment = deploymentOf(world.namespace, spec);
    const objects = workloadObjects(server, deployment, { network, pullSecrets: ['registry'] });
    const refusals = await Promise.all(objects.map(({ kind, object }) => send('operator', kind, object)));
    expect(refusals).toEqual(objects.map(() => ''));

    // The namespace enforces the restricted level on pods; classes of the cluster would have to be there.
    const account = { metadata: { ...world.ref('chat-server') } };
    await world.client.apply(serviceAccounts, account);
    const { metadata, spec: pod } = deployment.spec!.template;
    const { priorityClassName: _, runtimeClassName: __, ...rest } = pod!;
    expect(
      await send('admin', pods, { metadata: { ...metadata, name: 'chat-1' }, spec: rest } as KubeObject),
    ).toBe('');
  });
});

describe.concurrent('what the operator writes for a Model', () => {
  it('is what the API server knows and the policy admits', async ({ world, send }) => {
    const metadata = meta(world.namespace, 'm');
    const spec = {
      source: { huggingFace: { repo: 'owner/name' } },
      credentials: { secretName: 'token' },
      puller: {
        proxy: { httpsProxy: 'http://proxy:3128', secretName: 'proxy' },
        caBundle: { configMapName: 'ca' },
        bandwidthLimit: '1Gi',
        labels: { team: 'a' },
        imagePullSecrets: [{ name: 'registry' }],
      },
    };
    const model = { ...Model.parse({ apiVersion, kind: 'Model', metadata, spec }), metadata };
    const plan = { request: 'question', attempt: 1, image: pullerImage, defaults: {} };
    const all: Job[] = [
      inspectJob(model, plan),
      pullJob(model, { ...plan, revision: 'r', claimName: 'claim' }),
      collectJob(model, { ...plan, claim: { name: 'claim', uid: 'uid' }, except: [], graceSeconds: 0 }),
    ];
    expect(await Promise.all(all.map((job) => send('operator', jobs, job)))).toEqual(['', '', '']);
  });
});

describe.concurrent('a write by the account of the operator', () => {
  type Pod = NonNullable<NonNullable<Deployment['spec']>['template']['spec']>;
  const container = (more: object) => (pod: Pod) => Object.assign(pod.containers[0]!, more);
  const insecure = (more: object) => (pod: Pod) => Object.assign(pod.containers[0]!.securityContext!, more);
  const volume = (source: object) => (pod: Pod) => pod.volumes!.push({ name: 'v', ...source });

  const changes: [string, (pod: Pod) => unknown, string][] = [
    ['another image', container({ image: 'registry.test/other:1' }), 'and not registry.test/other:1: add'],
    [
      'an image whose name only begins like ours',
      container({ image: 'registry.test/longshore-runtime-x:1' }),
      'and not registry.test/longshore-runtime-x:1',
    ],
    [
      'another image in a container that goes first',
      (pod: Pod) =>
        (pod.initContainers = [
          { ...pod.containers[0]!, name: 'i', image: 'other', restartPolicy: 'Always' },
        ]),
      'and not other',
    ],
    ['another command', container({ command: ['/bin/sh'] }), 'no other commands'],
    ['code in its arguments', container({ args: ['-e', 'code'] }), 'no other commands'],
    [
      'code in a hook',
      container({ lifecycle: { preStop: { exec: { command: ['x'] } } } }),
      'no other commands',
    ],
    [
      'code in a variable',
      container({ env: [{ name: 'NODE_OPTIONS', value: '-r x' }] }),
      'no other commands',
    ],
    [
      'a Secret in a variable',
      container({ env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }] }),
      'no other commands',
    ],
    ['a folder of the node', volume({ hostPath: { path: '/' } }), 'neither paths of the node nor tokens'],
    [
      'a token',
      volume({ projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }),
      'neither paths of the node nor tokens',
    ],
    ['the network of the node', (pod: Pod) => (pod.hostNetwork = true), "part of their node's network"],
    ['the processes of the node', (pod: Pod) => (pod.hostPID = true), "part of their node's network"],
    [
      'a port of the node',
      container({ ports: [{ containerPort: 8080, hostPort: 8080 }] }),
      "part of their node's",
    ],
    [
      'another account',
      (pod: Pod) => (pod.serviceAccountName = 'admin'),
      'no account that may have been given',
    ],
    ['a token of its account', (pod: Pod) => (pod.automountServiceAccountToken = true), 'get no token'],
    ['privilege', insecure({ privileged: true, allowPrivilegeEscalation: true }), 'without any privilege'],
    [
      'a capability',
      insecure({ capabilities: { drop: ['ALL'], add: ['SYS_ADMIN'] } }),
      'without any privilege',
    ],
    ['the user root', insecure({ runAsUser: 0 }), 'without any privilege'],
    [
      'no seccomp profile',
      (pod: Pod) => (pod.securityContext!.seccompProfile!.type = 'Unconfined'),
      'any privilege',
    ],
  ];
  it.for(changes)('with %s is refused', async ([, change, told], { world, send }) => {
    const deployment = structuredClone(deploymentOf(world.namespace));
    change(deployment.spec!.template.spec!);
    expect(await send('operator', deployments, deployment)).toContain(told);
    // It is the account that is held, and not everybody.
    expect(await send('admin', deployments, deployment)).toBe('');
  });

  it('to an object of others is refused, and so is one that would only look like ours', async ({
    world,
    send,
  }) => {
    const ours = deploymentOf(world.namespace);
    const labels = { app: 'web' };
    await world.client.create(deployments, {
      ...ours,
      metadata: { name: 'web', namespace: world.namespace, labels },
      spec: { ...ours.spec!, replicas: 0 },
    });
    const taken = { ...ours, metadata: { ...ours.metadata, name: 'web', ownerReferences: [] } };
    expect(await send('operator', deployments, taken)).toContain('managed by it, and nothing else');
    const unlabelled = { ...ours, metadata: { ...ours.metadata, labels } };
    expect(await send('operator', deployments, unlabelled)).toContain('managed by it, and nothing else');
  });

  it('that RBAC does not know of is refused as before', async ({ world, send }) => {
    const { metadata, spec } = deploymentOf(world.namespace).spec!.template;
    const pod = { metadata: { ...metadata, name: 'pod' }, spec } as KubeObject;
    expect(await send('operator', pods, pod)).toContain('pods "pod" is forbidden');
  });
});

it('an operator does all of its work with the rights of the chart, within the policy', async ({
  world,
  account,
}) => {
  await world.operator.kill();
  await world.startOperator(account.kubeconfig);
  const { kubelet, client, servers } = world;
  await world.readyModel('weights');
  kubelet.always({ server: 'all' }, serves);
  await world.applyServer('all', { model: 'weights', replicas: 2, auth: { secretName: 'keys' } });
  await servers.untilOne('all', isReady);
  const ref = world.ref('all');
  const policy = await client.get(networkPolicies, ref);
  expect(policy.spec).toMatchObject({
    ingress: [{ ports: [{ port: 8080 }] }],
    policyTypes: ['Ingress', 'Egress'],
  });
  expect((await client.get(podDisruptionBudgets, ref)).spec).toMatchObject({ maxUnavailable: 1 });
  expect(await client.get(serviceAccounts, world.ref('all-server'))).toMatchObject({
    automountServiceAccountToken: false,
  });

  await client.delete(networkPolicies, ref);
  await eventually(() => client.get(networkPolicies, ref));
  await world.applyServer('all', { model: 'weights', replicas: 1, auth: { secretName: 'keys' } });
  await eventually(() =>
    expect(client.get(podDisruptionBudgets, ref)).rejects.toMatchObject({ status: 404 }),
  );
  await servers.untilOne('all', (server) => isReady(server) && server.status?.ready === '1/1');
  await client.delete(serversAsWritten, ref);
  await eventually(() => expect(client.get(networkPolicies, ref)).rejects.toMatchObject({ status: 404 }));
  expect(world.log.filter((line) => /forbidden|denied/i.test(line))).toEqual([]);
});
