import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, inject } from 'vitest';
import { deployments, services } from '../../src/kube/builtin.ts';
import { RuntimeSettings, settingsVariable } from '../../src/protocols/runtime.ts';
import { reports, serves } from './fake-kubelet.ts';
import { expectHardened } from './hardening.ts';
import { it } from './it.ts';
import { conditionOf, isReady, isStalled, reasonOf, serversAsWritten, summary } from './objects.ts';
import { runtimeImages } from './operator-process.ts';
import { commit, weights } from './weights.ts';

const run = promisify(execFile);

async function kubectl(...args: string[]): Promise<string> {
  const { stdout } = await run(inject('kubectl'), ['--kubeconfig', inject('kubeconfig'), ...args]);
  return stdout;
}

/** A status as text, but for when its conditions came about. */
const withoutTimes = (status: object | undefined): string =>
  JSON.stringify(status, (name, value: unknown) => (name === 'lastTransitionTime' ? undefined : value));

describe.concurrent('a ModelServer whose Model is not there yet', () => {
  it('says ModelNotFound, then ModelNotReady, and serves as soon as the Model is published', async ({
    world,
  }) => {
    const { kubelet, servers } = world;
    await world.applyServer('early', { model: 'late' });
    const lost = await servers.untilOne('early', isStalled);
    expect(summary(lost)).toBe('False/ModelNotFound False True');
    expect(conditionOf(lost, 'ModelReady')?.message).toContain('There is no Model "late"');
    expect(conditionOf(lost, 'Scheduled')).toMatchObject({ status: 'Unknown', reason: 'Pending' });
    expect(conditionOf(lost, 'Available')).toMatchObject({ status: 'False', reason: 'NoPodAnswers' });

    await world.applyModel('late');
    const waiting = await servers.untilOne(
      'early',
      (server) =>
        conditionOf(server, 'Ready')?.message.includes('Resolving: The source is being asked') === true,
    );
    expect(summary(waiting)).toBe('False/ModelNotReady True False');
    expect(world.deployments.get('early')).toBeUndefined();
    kubelet.provides('late', weights());
    kubelet.always({ server: 'early' }, serves);
    await servers.untilOne('early', isReady);
  });
});

describe.concurrent('a ModelServer', () => {
  it('is a hardened Deployment on GPUs, loads in sight of everyone, and answers behind a Service', async ({
    world,
  }) => {
    const { kubelet, servers } = world;
    const model = await world.readyModel('weights');
    const { claimName = '', path, files, digest } = model.status?.artifact ?? {};
    await world.applyServer('gpu', {
      model: 'weights',
      replicas: 2,
      gpu: { count: 2, resourceName: 'nvidia.com/gpu' },
      runtime: { contextSize: 8192, parallel: 4 },
    });
    const [first, second] = [await kubelet.next({ server: 'gpu' }), await kubelet.next({ server: 'gpu' })];
    expectHardened(first.spec);
    const [container] = first.spec.containers;
    expect(container).toMatchObject({
      image: runtimeImages.cuda,
      resources: { limits: { 'nvidia.com/gpu': '2' }, requests: { 'nvidia.com/gpu': '2' } },
    });
    expect(container?.volumeMounts).toContainEqual({ name: 'models', mountPath: '/models', readOnly: true });
    expect(first.spec.volumes?.[0]?.persistentVolumeClaim).toEqual({ claimName, readOnly: true });
    const settings = container?.env?.find(({ name }) => name === settingsVariable)?.value ?? '';
    expect(RuntimeSettings.parse(JSON.parse(settings))).toEqual({
      servedName: 'gpu',
      modelPath: `/models/${path}/${files?.[0]?.path}`,
      modelDigest: digest,
      contextSize: 8192,
      parallel: 4,
      gpu: true,
    });

    await servers.untilOne('gpu', (server) => reasonOf(server) === 'Starting');
    await first.starts();
    await second.starts();
    first.says({ phase: 'loading', percent: 60 });
    second.says({ phase: 'loading', percent: 10 });
    // The slowest pod is what people wait for.
    const loading = await servers.untilOne(
      'gpu',
      (server) => reasonOf(server) === 'Loading' && server.status?.load?.percent === 10,
    );
    expect(summary(loading)).toBe('False/Loading True False');
    expect(loading.status?.ready).toBe('0/2');
    second.says({ phase: 'loading', percent: 80 });
    await servers.untilOne('gpu', ({ status }) => status?.load?.text === '60%');
    await first.becomesReady();
    await servers.untilOne('gpu', ({ status }) => status?.ready === '1/2');
    await second.becomesReady();

    const ready = await servers.untilOne('gpu', isReady);
    expect(ready.status).toMatchObject({
      ready: '2/2',
      replicas: 2,
      readyReplicas: 2,
      load: { percent: 100 },
      endpoint: `http://gpu.${world.namespace}.svc`,
      model: { name: 'weights', digest, claimName },
    });
    const service = await world.client.get(services, world.ref('gpu'));
    expect(service.spec).toMatchObject({ selector: { 'longshore.dev/server': 'gpu' }, type: 'ClusterIP' });
    expect(service.spec?.ports?.[0]).toMatchObject({ port: 80, targetPort: 'http' });
    expect(await kubectl('get', 'modelservers', 'gpu', '-n', world.namespace)).toMatch(
      /NAME +MODEL +READY +STATUS +LOADING +GPU +ENDPOINT +AGE\ngpu +weights +2\/2 +Ready +100% +2 +http:/,
    );
  });

  it('has its address from the first write of its status on, and comes back to nothing that it said', async ({
    world,
  }) => {
    const { kubelet, servers } = world;
    await world.readyModel('plain');
    await world.applyServer('plain', { model: 'plain' });
    const pod = await kubelet.next({ server: 'plain' });
    await pod.starts();
    await servers.untilOne('plain', (server) => reasonOf(server) === 'Loading');
    await pod.becomesReady();
    await servers.untilOne('plain', ({ status }) => status?.load?.percent === 100 && status.ready === '1/1');
    const [, first, ...more] = servers.versions('plain');
    expect(first?.status?.endpoint).toBe(`http://plain.${world.namespace}.svc`);
    // How many states are seen on the way is a matter of how busy the machine is; each write tells another one.
    const written = [first, ...more].map((server) => withoutTimes(server?.status));
    expect(written.filter((status, index) => status === written[index - 1])).toEqual([]);
    const told = [first, ...more].map((server) => conditionOf(server, 'Ready')?.message);
    const changes = told.filter((message, index) => message !== told[index - 1]);
    expect(changes).toEqual([...new Set(changes)]);
  });

  it('asks for no GPU when none is wanted', async ({ world }) => {
    await world.readyModel('small');
    await world.applyServer('cpu', {
      model: 'small',
      gpu: { count: 0 },
      pod: { resources: { requests: { cpu: '2' }, limits: { memory: '4Gi' } } },
    });
    const pod = await world.kubelet.next({ server: 'cpu' });
    expect(pod.spec.containers[0]?.resources).toEqual({
      requests: { cpu: '2', memory: '4Gi' },
      limits: { memory: '4Gi' },
    });
    expect(pod.spec.containers[0]?.image).toBe(runtimeImages.cpu);
    expect(pod.spec.containers[0]?.env?.[0]?.value).toContain('"gpu":false');
    expect(pod.spec.tolerations?.map(({ key }) => key)).not.toContain('nvidia.com/gpu');
  });

  it('is scaled by kubectl through the scale subresource, to zero too', async ({ world }) => {
    const { kubelet, servers } = world;
    const scale = (replicas: number) =>
      kubectl('scale', '-n', world.namespace, 'modelserver', 'scaled', `--replicas=${replicas}`);
    await world.readyModel('shared');
    kubelet.always({ server: 'scaled' }, serves);
    await world.applyServer('scaled', { model: 'shared', replicas: 1 });
    await servers.untilOne('scaled', isReady);
    await scale(3);
    await servers.untilOne('scaled', (server) => isReady(server) && server.status?.ready === '3/3');
    await scale(0);
    const zero = await servers.untilOne(
      'scaled',
      (server) => isReady(server) && server.status?.ready === '0/0' && server.status.replicas === 0,
    );
    expect(summary(zero)).toBe('True/ScaledToZero False False');
    expect(conditionOf(zero, 'Available')).toMatchObject({ status: 'False', reason: 'ScaledToZero' });
    expect(zero.status?.load).toBeUndefined();
    expect(zero.status?.selector).toBe('longshore.dev/server=scaled');
  });

  it('rolls over to what its Model publishes next', async ({ world }) => {
    const { kubelet, servers, models } = world;
    const next = weights({ revision: commit('next') });
    await world.readyModel('rolling');
    kubelet.plays({ server: 'rolling' }, serves);
    await world.applyServer('rolling', { model: 'rolling' });
    const old = await servers.untilOne('rolling', isReady);
    kubelet.plays({ model: 'rolling', task: 'inspect' }, reports({ inspection: next.inspection }));
    kubelet.plays({ model: 'rolling', task: 'pull' }, reports({ publication: next.publication }));
    await world.applyModel('rolling', { revision: 'v2' });
    const pod = await kubelet.next({ server: 'rolling' });
    const moved = models.get('rolling')?.status?.artifact;
    expect(moved?.revision).toBe(next.publication.revision);
    expect(pod.spec.volumes?.[0]?.persistentVolumeClaim?.claimName).toBe(moved?.claimName);
    const rolling = await servers.untilOne('rolling', (server) => summary(server).endsWith('True False'));
    expect(rolling.status).toMatchObject({ ready: '1/1', model: { digest: next.publication.digest } });
    await pod.starts();
    await pod.becomesReady();
    const done = await servers.untilOne(
      'rolling',
      (server) => isReady(server) && server.status?.model?.digest !== old.status?.model?.digest,
    );
    expect(done.status?.replicas).toBe(1);
  });

  it('is kept as it should be when somebody edits or deletes what it owns', async ({ world }) => {
    const { kubelet, client } = world;
    await world.readyModel('guarded');
    kubelet.always({ server: 'guarded' }, serves);
    await world.applyServer('guarded', { model: 'guarded' });
    await world.servers.untilOne('guarded', isReady);
    await client.patch(services, world.ref('guarded'), {
      spec: { selector: { 'longshore.dev/server': 'x' } },
    });
    await world.services.untilOne(
      'guarded',
      ({ spec, metadata }) =>
        spec?.selector?.['longshore.dev/server'] === 'guarded' &&
        metadata.resourceVersion !== world.services.versions('guarded')[0]?.metadata.resourceVersion,
    );
    const seen = world.servers.versions('guarded').length;
    await client.delete(deployments, world.ref('guarded'));
    // The next pod may be ready before the answer to the deletion is here.
    const since = () => world.servers.versions('guarded').slice(seen);
    await world.servers.until('guarded was not ready', () => since().some((server) => !isReady(server)));
    await world.servers.untilOne('guarded', isReady);
    expect(world.deployments.made().filter((name) => name === 'guarded').length).toBe(2);
  });

  it('goes with all that it owns', async ({ world }) => {
    await world.readyModel('brief');
    world.kubelet.always({ server: 'brief' }, serves);
    await world.applyServer('brief', { model: 'brief' });
    await world.servers.untilOne('brief', isReady);
    await world.client.delete(serversAsWritten, world.ref('brief'));
    await Promise.all([world.deployments.untilGone('brief'), world.services.untilGone('brief')]);
    expect(world.models.get('brief')).toBeDefined();
  });
});

describe.concurrent('a ModelServer of an Ollama model', () => {
  const roles = ['model', 'template', 'params', 'system', 'adapter', 'license'] as const;
  const revision = `sha256:${'fedcba98'.repeat(8)}`;

  it('is told of the files that say how it chats', async ({ world }) => {
    const content = weights({ revision, roles });
    const model = await world.readyModel('ollama', content, { ollama: 'llama3.1:8b' });
    expect(model.status?.resolved?.source).toBe('ollama:llama3.1:8b');
    expect(conditionOf(model, 'Resolved')?.message).toBe(
      'ollama:llama3.1:8b is fedcba98fedc: 6 files, 4.7GB.',
    );
    await world.applyServer('ollama', { model: 'ollama', gpu: { count: 0 } });
    const pod = await world.kubelet.next({ server: 'ollama' });
    const settings = pod.spec.containers[0]?.env?.find(({ name }) => name === settingsVariable)?.value ?? '';
    const at = (path: string) => `/models/${content.publication.path}/${path}`;
    expect(RuntimeSettings.parse(JSON.parse(settings))).toEqual({
      servedName: 'ollama',
      modelPath: at('model'),
      modelDigest: content.publication.digest,
      adapterPaths: [at('adapter')],
      ollama: { templatePath: at('template'), paramsPath: at('params'), systemPath: at('system') },
      parallel: 1,
      gpu: false,
    });
  });

  it('says whether its template is the one in use, and is ready either way', async ({ world }) => {
    const { kubelet, servers } = world;
    const honored = (server: Parameters<typeof conditionOf>[0]) => conditionOf(server, 'ChatTemplateHonored');
    await world.readyModel('templated', weights({ revision, roles }), { ollama: 'odd' });
    await world.applyServer('templated', { model: 'templated' });
    const pod = await kubelet.next({ server: 'templated' });
    await pod.starts();
    pod.says({ phase: 'loading', percent: 50 });
    const loading = await servers.untilOne('templated', ({ status }) => status?.load?.percent === 50);
    expect(honored(loading)).toBeUndefined();
    const description = 'Chats are rendered with the template of the GGUF file.';
    await pod.becomesReady({ description, problem: 'The template calls currentDate.' });
    const odd = await servers.untilOne(
      'templated',
      (server) => isReady(server) && conditionOf(server, 'ChatTemplateHonored') !== undefined,
    );
    expect(honored(odd)).toMatchObject({
      status: 'False',
      reason: 'TemplateNotSupported',
      message: `${description} The template calls currentDate.`,
    });
    expect(summary(odd)).toBe('True/Ready False False');

    // Another model, which a newer pod says that of.
    kubelet.provides('templated', weights({ roles }));
    await world.applyModel('templated', { ollama: 'even' });
    const next = await kubelet.next({ server: 'templated' });
    // Ready before anybody could ask it.
    await next.becomesReady({ description: 'Chats are rendered with the template of the model.' });
    await servers.untilOne(
      'templated',
      (server) => isReady(server) && conditionOf(server, 'ChatTemplateHonored')?.status === 'True',
    );
    next.says(undefined);
    await world.applyServer('templated', { model: 'templated', replicas: 0 });
    const zero = await servers.untilOne('templated', ({ status }) => status?.ready === '0/0');
    expect(honored(zero)?.status).toBe('True');
  });
});

describe.concurrent('a ModelServer that something is in the way of', () => {
  it('says NotServable of a Model that is only a LoRA adapter, until there is a model beside it', async ({
    world,
  }) => {
    const { kubelet, servers } = world;
    await world.readyModel('part', weights({ roles: ['adapter'] }));
    await world.applyServer('part', { model: 'part' });
    const stalled = await servers.untilOne('part', isStalled);
    expect(summary(stalled)).toBe('False/NotServable False True');
    expect(conditionOf(stalled, 'ModelReady')?.message).toContain('no GGUF model, only adapter.');
    expect(world.deployments.made()).not.toContain('part');
    kubelet.always({ server: 'part' }, serves);
    kubelet.provides('part', weights({ roles: ['model', 'adapter'], revision: commit('whole') }));
    await world.applyModel('part', { revision: 'v2' });
    await servers.untilOne('part', isReady);
  });

  it('leaves a Service of another alone and says NameTaken', async ({ world }) => {
    const { client, servers } = world;
    await world.readyModel('wanted');
    const spec = { selector: { app: 'billing' }, ports: [{ port: 443 }] };
    const theirs = await client.create(services, { metadata: world.ref('billing'), spec });
    await world.applyServer('billing', { model: 'wanted' });
    const stalled = await servers.untilOne('billing', isStalled);
    expect(summary(stalled)).toBe('False/NameTaken False True');
    expect(conditionOf(stalled, 'Ready')?.message).toContain('Service named "billing"');
    const kept = await client.get(services, world.ref('billing'));
    expect(kept.metadata.resourceVersion).toBe(theirs.metadata.resourceVersion);
    // Neither is anything loaded behind it, nor is its address given as ours.
    expect(world.deployments.made()).not.toContain('billing');
    expect(stalled.status?.endpoint).toBeUndefined();
  });

  it('leaves a Deployment of another alone, even one that carries our labels', async ({ world }) => {
    const { client, servers } = world;
    await world.readyModel('needed');
    const labels = { app: 'web' };
    const template = { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'web' }] } };
    const ours = { 'app.kubernetes.io/managed-by': 'longshore', 'longshore.dev/server': 'web' };
    await client.create(deployments, {
      metadata: { ...world.ref('web'), labels: ours },
      spec: { replicas: 0, selector: { matchLabels: labels }, template },
    });
    await world.applyServer('web', { model: 'needed' });
    await servers.untilOne('web', (server) => isStalled(server) && reasonOf(server) === 'NameTaken');
    const kept = await client.get(deployments, world.ref('web'));
    expect(kept.spec?.template.spec?.containers).toMatchObject([{ image: 'web' }]);
    expect(kept.metadata.generation).toBe(1);
  });

  it('says LoadFailed in the words of the runtime, and serves once a later start succeeds', async ({
    world,
  }) => {
    await world.readyModel('odd');
    await world.applyServer('odd', { model: 'odd' });
    const pod = await world.kubelet.next({ server: 'odd' });
    await pod.starts();
    await pod.crashes({ failure: { reason: 'LoadFailed', message: 'unknown architecture "odd"' } });
    const stalled = await world.servers.untilOne('odd', isStalled);
    expect(summary(stalled)).toBe('False/LoadFailed False True');
    expect(conditionOf(stalled, 'Loaded')?.message).toContain('unknown architecture "odd"');
    await pod.becomesReady();
    await world.servers.untilOne('odd', isReady);
  });

  it('says ApiKeysNotFound while its Secret holds none, and mounts the Secret without waiting for it', async ({
    world,
  }) => {
    await world.readyModel('closed');
    await world.applyServer('closed', { model: 'closed', auth: { secretName: 'server-keys' } });
    const pod = await world.kubelet.next({ server: 'closed' });
    const [container] = pod.spec.containers;
    const mount = container?.volumeMounts?.find(({ name }) => name === 'api-keys');
    expect(mount).toMatchObject({ readOnly: true });
    expect(pod.spec.volumes).toContainEqual({
      name: 'api-keys',
      secret: { secretName: 'server-keys', optional: true, defaultMode: 0o440 },
    });
    const settings = container?.env?.find(({ name }) => name === settingsVariable)?.value ?? '';
    const { apiKeys } = RuntimeSettings.parse(JSON.parse(settings));
    expect(apiKeys).toEqual({ path: mount?.mountPath, name: 'Secret server-keys' });
    await pod.starts();
    await pod.crashes({
      failure: {
        reason: 'ApiKeysNotFound',
        message: 'Secret server-keys does not exist, or holds no API key.',
      },
    });
    const stalled = await world.servers.untilOne('closed', isStalled);
    expect(summary(stalled)).toBe('False/ApiKeysNotFound False True');
    expect(conditionOf(stalled, 'Loaded')?.message).toContain('Secret server-keys does not exist');
    await pod.becomesReady();
    await world.servers.untilOne('closed', isReady);
  });

  it('says what to change when a pod is killed for its memory', async ({ world }) => {
    await world.readyModel('large');
    await world.applyServer('large', { model: 'large' });
    const pod = await world.kubelet.next({ server: 'large' });
    await pod.starts();
    await pod.crashes({ reason: 'OOMKilled' });
    const stalled = await world.servers.untilOne('large', isStalled);
    expect(conditionOf(stalled, 'Ready')?.message).toContain('spec.pod.resources.limits.memory');
  });

  it('says Unschedulable in the words of the scheduler, and ImagePullFailed in those of the kubelet', async ({
    world,
  }) => {
    await world.readyModel('stuck');
    await world.applyServer('stuck', { model: 'stuck' });
    const pod = await world.kubelet.next({ server: 'stuck' });
    await pod.cannotBeScheduled('0/3 nodes are available: 3 Insufficient nvidia.com/gpu.');
    const waiting = await world.servers.untilOne('stuck', (server) => reasonOf(server) === 'Unschedulable');
    expect(summary(waiting)).toBe('False/Unschedulable True False');
    expect(conditionOf(waiting, 'Ready')?.message).toContain('3 too little nvidia.com/gpu (1 wanted)');
    await pod.cannotPullImage('Back-off pulling image');
    const pulling = await world.servers.untilOne('stuck', (server) => reasonOf(server) === 'ImagePullFailed');
    expect(conditionOf(pulling, 'Ready')?.message).toContain('Back-off pulling image');
  });
});
