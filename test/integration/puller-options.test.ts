import { expect } from 'vitest';
import { requestVariable } from '../../src/protocols/puller.ts';
import { expectHardened } from './hardening.ts';
import { it } from './it.ts';
import { isReady, isStalled, reasonOf } from './objects.ts';
import { weights } from './weights.ts';

const proxy = {
  httpsProxy: 'http://proxy.internal:3128',
  noProxy: ['.svc', '10.0.0.0/8'],
  secretName: 'proxy-user',
};
const near = { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'cache' } } };
const term = { matchExpressions: [{ key: 'zone', operator: 'In' as const, values: ['a'] }] };

it('a Model with all that spec.puller takes gets hardened pods that have it', async ({ world }) => {
  const { kubelet, models } = world;
  const { inspection, publication } = weights({ sizeBytes: 1_000_000 });
  const affinity = {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term] },
      preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference: term }],
    },
    podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [near] },
    podAntiAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: near }],
    },
  };
  const puller = {
    connections: 4,
    bandwidthLimit: '200Mi',
    proxy,
    caBundle: { configMapName: 'company-ca' },
    affinity,
    labels: { team: 'models', 'app.kubernetes.io/name': 'mine' },
    annotations: { 'sidecar.istio.io/inject': 'false' },
    imagePullSecrets: [{ name: 'registry' }],
  };
  await world.applyModel('behind', { puller });
  for (const task of ['inspect', 'pull'] as const) {
    const pod = await kubelet.next({ model: 'behind', task });
    expectHardened(pod.spec);
    expect(pod.spec.affinity).toEqual(affinity);
    expect(pod.spec.imagePullSecrets).toEqual([{ name: 'registry' }]);
    expect(pod.pod.metadata.labels).toMatchObject({
      team: 'models',
      'app.kubernetes.io/name': 'longshore-puller',
      'longshore.dev/model': 'behind',
    });
    expect(pod.pod.metadata.annotations).toMatchObject({ 'sidecar.istio.io/inject': 'false' });
    const [container] = pod.spec.containers;
    const env = Object.fromEntries(container!.env!.map(({ name, value }) => [name, value ?? '']));
    expect(env).toMatchObject({ HTTPS_PROXY: proxy.httpsProxy, NO_PROXY: '.svc,10.0.0.0/8' });
    expect(JSON.parse(env[requestVariable]!)).toMatchObject({
      proxyCredentials: { name: 'Secret proxy-user', required: true },
      caBundle: { name: 'ConfigMap company-ca (key ca.crt)', required: true },
    });
    const mounted = container!.volumeMounts!.map(({ name }) => name);
    expect(mounted).toEqual(expect.arrayContaining(['proxy-credentials', 'ca-bundle']));
    await pod.starts();
    await pod.succeeds(task === 'inspect' ? { inspection } : { publication });
  }
  await models.untilOne('behind', isReady);
});

it('a Model behind a proxy that refuses is Stalled, and asks anew at once when its proxy is another', async ({
  world,
}) => {
  const { kubelet, models } = world;
  await world.applyModel('refused', { puller: { proxy } });
  const first = await kubelet.next({ model: 'refused', task: 'inspect' });
  await first.starts();
  await first.fails({ failure: { reason: 'ProxyRefused', message: 'The proxy refuses.' } }, 2);
  const stalled = await models.untilOne('refused', isStalled);
  expect(reasonOf(stalled)).toBe('ProxyRefused');
  await world.applyModel('refused', { puller: { proxy: { noProxy: ['*'] } } });
  const second = await kubelet.next({ model: 'refused', task: 'inspect' });
  expect(second.spec.containers[0]?.env?.map(({ name }) => name)).toEqual([requestVariable, 'NO_PROXY']);
});
