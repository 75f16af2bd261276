import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { expect, inject, test } from 'vitest';
import { stringify } from 'yaml';
import { models } from '../../src/controllers/kinds.ts';
import { inUseFinalizer } from '../../src/controllers/labels.ts';
import { connect } from '../../src/kube/client.ts';
import { addFinalizer } from '../../src/kube/finalizers.ts';
import type { KubeObject } from '../../src/kube/kind.ts';
import { readConfig, readReleaseConfig, type Config } from '../../src/operator/config.ts';
import { run } from '../cluster/commands.ts';
import { renderChart } from './chart.ts';
import { aModel } from './objects.ts';
import { runRelease } from './release-program.ts';
import { namespaces } from './world.ts';

interface Rendered extends KubeObject {
  spec?: {
    template: { spec: { containers: { env: { name: string; value?: string }[]; args?: string[] }[] } };
  };
}

/** Renders the chart with values, hooks included, and reads the environment of the operator in it as the operator does. */
const it = test
  .extend('folder', { scope: 'file' }, async ({}, { onCleanup }) => {
    const folder = await mkdtemp(join(tmpdir(), 'chart-'));
    onCleanup(() => rm(folder, { recursive: true }));
    return folder;
  })
  .extend(
    'render',
    { scope: 'file' },
    () =>
      async (values: object): Promise<Rendered[]> =>
        renderChart(values),
  )
  .extend('configOf', { scope: 'file' }, ({ render }) => async (values: object): Promise<Config> => {
    const deployment = (await render(values)).find(
      ({ kind, metadata }) => kind === 'Deployment' && metadata?.name === 'longshore-operator',
    );
    const [container] = deployment!.spec!.template.spec.containers;
    return readConfig(
      Object.fromEntries(container!.env.map(({ name, value }) => [name, value ?? 'a-field'])),
    );
  });

it('a chart without values leaves pullers to the Models', async ({ configOf }) => {
  expect((await configOf({})).puller).toEqual({});
});

it('a chart hands the values for pullers to the operator as they are', async ({ configOf }) => {
  const puller = {
    connections: 16,
    bandwidthLimit: '200Mi',
    proxy: {
      httpsProxy: 'http://proxy.internal:3128',
      noProxy: ['.svc', '10.0.0.0/8', '[2001:db8::1]:443'],
      secretName: 'proxy-user',
    },
    caBundle: { configMapName: 'company-ca', key: 'ca.crt' },
    tolerations: [{ key: 'a "quoted" key', operator: 'Exists' }],
  };
  expect((await configOf({ puller })).puller).toEqual(puller);
});

it('a chart has an image for each kind of GPU', async ({ configOf }) => {
  const { runtimeImages } = await configOf({});
  expect(runtimeImages).toEqual({
    cpu: 'longshore.dev/runtime:0.1.0',
    cuda: 'longshore.dev/runtime:0.1.0-cuda',
    vulkan: 'longshore.dev/runtime:0.1.0-vulkan',
  });
  const cuda = { repository: 'registry.test/runtime', tag: '2-gpu' };
  const chosen = await configOf({ image: { runtime: { cuda } } });
  expect(chosen.runtimeImages).toEqual({ ...runtimeImages, cuda: 'registry.test/runtime:2-gpu' });
});

it('a chart lets as many pulls run as its values say', async ({ configOf }) => {
  expect((await configOf({})).pulls).toEqual({ cluster: undefined, namespace: undefined });
  const pulls = { perCluster: 1_000_000, perNamespace: 2 };
  expect((await configOf({ pulls })).pulls).toEqual({ cluster: 1_000_000, namespace: 2 });
  await expect(configOf({ pulls: { perCluster: 0 } })).rejects.toThrow(/perCluster/);
  await expect(configOf({ pulls: { perNode: 1 } })).rejects.toThrow(/perNode/);
});

it('a chart tells who reaches servers, its operator included', async ({ configOf }) => {
  const labels = {
    'app.kubernetes.io/name': 'longshore-operator',
    'app.kubernetes.io/instance': 'longshore',
  };
  const operator = {
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'default' } },
    podSelector: { matchLabels: labels },
  };
  const usual = { network: { clients: [], monitoring: [operator], egress: [] }, pullSecrets: [] };
  expect((await configOf({})).servers).toEqual(usual);
  expect((await configOf({ networkPolicy: { enabled: false } })).servers.network).toBeUndefined();
  const clients = [{ namespaceSelector: { matchLabels: { team: 'a' } } }];
  const monitoring = [{ ipBlock: { cidr: '10.0.0.0/8' } }];
  const egress = [{ ports: [{ port: 15012, protocol: 'TCP' }] }];
  const image = { serverPullSecrets: ['registry', 'mirror'] };
  expect((await configOf({ networkPolicy: { clients, monitoring, egress }, image })).servers).toEqual({
    network: { clients, monitoring: [...monitoring, operator], egress },
    pullSecrets: ['registry', 'mirror'],
  });
  const gateway = {
    ...operator,
    podSelector: { matchLabels: { ...labels, 'app.kubernetes.io/name': 'longshore-gateway' } },
  };
  const { network } = (await configOf({ gateway: { enabled: true } })).servers;
  expect(network?.monitoring).toEqual([operator, gateway]);
  await expect(configOf({ networkPolicy: { ingress: [] } })).rejects.toThrow(/ingress/);
});

it('a chart comes with a policy for its operator, or without', async ({ render }) => {
  const policiesOf = (objects: Rendered[]) =>
    objects.filter(({ kind = '' }) => kind.startsWith('ValidatingAdmissionPolicy')).map(({ kind }) => kind);
  expect(policiesOf(await render({}))).toEqual([
    'ValidatingAdmissionPolicy',
    'ValidatingAdmissionPolicyBinding',
  ]);
  expect(policiesOf(await render({ admissionPolicy: { enabled: false } }))).toEqual([]);
  await expect(render({ admissionPolicy: { image: 'x' } })).rejects.toThrow(/image/);
});

it.for([
  ['a field that no Model has', { bandwith: '1G' }, /bandwith/],
  ['a field deep inside that no Model has', { proxy: { httpProxyy: 'http://a' } }, /httpProxyy/],
  ['what a Model cannot say either', { connections: 65 }, /connections/],
] as const)('a chart is not installed with %s for pullers', async ([, puller, told], { configOf }) => {
  await expect(configOf({ puller })).rejects.toThrow(told);
});

/** What Helm does when all else of a release is gone. */
const hooksOf = (objects: Rendered[]): Rendered[] =>
  objects.filter(({ metadata }) => metadata?.annotations?.['helm.sh/hook'] === 'post-delete');

it('a release that is uninstalled has Models let go, by hooks that leave nothing', async ({ render }) => {
  const hooks = hooksOf(await render({ watchNamespace: 'models', logLevel: 'warn' }));
  expect(hooks.map(({ kind }) => kind)).toEqual(['ServiceAccount', 'Role', 'RoleBinding', 'Job']);
  expect(hooks.map(({ metadata }) => metadata?.annotations?.['helm.sh/hook-delete-policy'])).toEqual(
    hooks.map(() => 'before-hook-creation,hook-succeeded'),
  );
  const weights = hooks.map(({ metadata }) => Number(metadata?.annotations?.['helm.sh/hook-weight']));
  expect(weights).toEqual([-1, -1, -1, 0]);
  const [container] = hooks.at(-1)!.spec!.template.spec.containers;
  expect(container?.args).toEqual(['/app/operator.js', 'release']);
  const environment = Object.fromEntries(container!.env.map(({ name, value }) => [name, value]));
  expect(readReleaseConfig(environment)).toEqual({ namespace: 'models', logLevel: 'warn' });
  const everywhere = hooksOf(await render({}));
  expect(everywhere.map(({ kind }) => kind)).toEqual([
    'ServiceAccount',
    'ClusterRole',
    'ClusterRoleBinding',
    'Job',
  ]);
});

it('the account of that hook may do what the hook does, and no more', async ({
  render,
  folder,
  onTestFinished,
}) => {
  const config = new KubeConfig();
  config.loadFromFile(inject('kubeconfig'));
  const client = connect(config, { fieldManager: 'test' });
  onTestFinished(() => client.close());
  const { name: namespace } = (await client.create(namespaces, { metadata: { generateName: 'chart-' } }))
    .metadata;
  onTestFinished(() => client.delete(namespaces, { name: namespace }));
  const kubectl = (arguments_: string[], input?: string): Promise<string> =>
    run(inject('kubectl'), ['--kubeconfig', inject('kubeconfig'), '-n', namespace, ...arguments_], {
      ...(input !== undefined && { input }),
    });
  const hooks = hooksOf(await render({ watchNamespace: namespace }));
  const rights = hooks.filter(({ kind }) => kind !== 'Job');
  // `helm template` renders for the namespace "default".
  const here = rights.map((each) =>
    stringify(each).replaceAll('namespace: default', `namespace: ${namespace}`),
  );
  await kubectl(['apply', '-f', '-'], here.join('---\n'));

  const made = await client.create(...aModel(namespace, 'held', {}));
  await addFinalizer(client, { ...models, schema: undefined }, made as never, inUseFinalizer);
  await client.delete(models, { namespace, name: 'held' });
  const account = 'longshore-uninstall';
  const token = (await kubectl(['create', 'token', account])).trim();
  const itsConfig = new KubeConfig();
  itsConfig.loadFromClusterAndUser(config.getCurrentCluster()!, { name: account, token });
  const file = join(folder, 'kubeconfig');
  await writeFile(file, itsConfig.exportConfig());
  expect(await runRelease(file, namespace)).toMatchObject({ code: 0 });
  await expect(client.get(models, { namespace, name: 'held' })).rejects.toMatchObject({ status: 404 });

  const granted = await kubectl([
    'auth',
    'can-i',
    '--list',
    `--as=system:serviceaccount:${namespace}:${account}`,
  ]);
  const ours = granted
    .split('\n')
    .filter((line) => line.includes('longshore.dev') || /secrets|pods|jobs/.test(line));
  expect(ours.map((line) => line.replace(/ +/g, ' ').trim())).toEqual([
    'models.longshore.dev [] [] [get list patch]',
  ]);
});
