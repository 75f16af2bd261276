import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../cluster/commands.ts';
import { standard } from '../hub/content.ts';
import { gateway as gatewayName, systemNamespace } from '../stack/stack.ts';
import { Gateway, keysSecret } from './gateway.ts';
import { Load } from './load.ts';
import { isReady, World } from './world.ts';

const counting = { prompt: '1, 2, 3, 4,', max_tokens: 12, temperature: 0 };

describe('two gateways in front of a server', () => {
  let world: World;
  let gateway: Gateway;

  beforeAll(async () => {
    world = await World.start();
    await world.applyModel('gemma', { huggingFace: { repo: standard.gemma.repo, quantization: 'Q4_K_M' } });
    await world.applyServer('gemma', {
      modelRef: { name: 'gemma' },
      gpu: { count: 0 },
      runtime: { contextSize: 512, parallel: 4 },
    });
    gateway = await Gateway.install(world, [
      `homeNamespace=${world.namespace}`,
      'management.enabled=true',
      `management.namespace=${world.namespace}`,
      `management.hub=${world.hub.url}`,
    ]);
    await world.server('gemma', isReady);
  });
  afterAll(async () => {
    await gateway[Symbol.asyncDispose]();
    await world[Symbol.asyncDispose]();
  });

  it('is reached, and reaches, where its NetworkPolicy says', async () => {
    interface Policy {
      spec: {
        podSelector: { matchLabels: Record<string, string> };
        ingress: { ports: { port: string }[]; from?: object[] }[];
        egress: { ports: { port: number }[]; to?: { podSelector: { matchExpressions: object[] } }[] }[];
      };
    }
    const { spec } = JSON.parse(
      await gateway.kubectl(['get', 'networkpolicy', gatewayName, '-o', 'json']),
    ) as Policy;
    const labels = Object.entries(spec.podSelector.matchLabels).map((pair) => pair.join('='));
    const selected = await gateway.kubectl(['get', 'pods', '-l', labels.join(','), '-o', 'name']);
    expect(selected.match(/^pod\/longshore-gateway-/gm)).toHaveLength(2);
    const [pod] = await gateway.pods();
    const names = pod?.spec?.containers[0]?.ports?.map((port) => port.name);
    expect(spec.ingress.flatMap(({ ports }) => ports.map(({ port }) => port))).toEqual(names);
    const anywhere = spec.egress.flatMap(({ ports, to }) => (to ? [] : ports.map(({ port }) => port)));
    const slices = 'endpointslices -n default -l kubernetes.io/service-name=kubernetes';
    const port = '-o jsonpath={.items[0].ports[0].port}';
    const apiServer = await world.kubectl(`get ${slices} ${port}`.split(' '));
    expect(anywhere).toContain(Number(apiServer));
    expect(anywhere).toContain(Number(new URL(world.hub.url).port));
    const toServers = spec.egress.find(({ to }) => to !== undefined);
    expect(toServers?.ports).toEqual([expect.objectContaining({ port: 8080 })]);
    expect(toServers?.to?.[0]?.podSelector.matchExpressions).toEqual([
      { key: 'longshore.dev/server', operator: 'Exists' },
    ]);
    expect(await world.kubectl(['get', 'pods', '-l', 'longshore.dev/server', '-o', 'name'])).toMatch(/gemma/);
  });

  const keys: Record<string, [string, string]> = {
    asker: ['key-of-asker', 'infer'],
    looker: ['key-of-looker', 'read'],
    keeper: ['key-of-keeper', 'manage'],
  };

  it('is given keys, pod by pod, without a stream that breaks', async () => {
    await gateway.applyKeys(keys);
    const load = await Load.start(world, 'gemma', {
      url: gateway.service,
      headers: { authorization: 'Bearer key-of-asker' },
      body: { model: 'gemma', prompt: '1, 2, 3,', max_tokens: 12, temperature: 0, stream: true },
      clients: 6,
    });
    const before = await gateway.pods();
    expect(before).toHaveLength(2);
    const logs = before.map(({ metadata }) => gateway.logOf(metadata.name));
    await gateway.set(`auth.secretName=${keysSecret}`);
    await load.goesOn();
    // One more that is ended, of those that ask for keys.
    const [first] = await gateway.pods();
    logs.push(gateway.logOf(first!.metadata.name));
    await gateway.kubectl(['delete', 'pod', first!.metadata.name]);
    const { answered, failed, errors } = await load.end();
    console.error(`three gateways ended: ${answered} streams came to their end, ${failed} did not`);
    expect(errors).toEqual([]);
    expect(failed).toBe(0);
    const said = await Promise.all(logs);
    for (const log of said) expect(log).toMatch(/"draining".*"gateway stopped"/s);
    // Which of them has streams at the moment that it is ended is up to the Service.
    expect(said.some((log) => /"draining".*"status":200/s.test(log))).toBe(true);
  });

  describe('with keys', () => {
    beforeAll(() => gateway.connect());

    const chat = { model: 'gemma', ...counting, max_tokens: 1 };
    const routes: [path: string, scopes: string[], body?: object][] = [
      ['/v1/models', ['infer', 'read', 'manage']],
      ['/api/tags', ['infer', 'read', 'manage']],
      ['/v1/completions', ['infer'], chat],
      ['/api/generate', ['infer'], { model: 'gemma', prompt: '1', options: { num_predict: 1 } }],
      ['/api/models', ['read', 'manage']],
      ['/models/search?q=gemma', ['read', 'manage']],
      [
        '/models/pull',
        ['manage'],
        { name: standard.gemma.repo, source: 'huggingface', quantization: 'Q4_K_M', model_id: 'gemma' },
      ],
      ['/models/load', ['manage'], { model_id: 'gemma' }],
    ];

    it.for(routes)('lets only who may ask %s', async ([path, scopes, body]) => {
      const given = body && { body };
      for (const [key, scope] of Object.values(keys)) {
        const status = await gateway.status(path, { ...given, key });
        expect([scope, status]).toEqual([scope, scopes.includes(scope) ? 200 : 403]);
      }
      expect(await gateway.status(path, given)).toBe(401);
      expect(await gateway.status(path, { ...given, key: 'key-of-nobody' })).toBe(401);
    });

    it('says who has changed what', async () => {
      const log = await gateway.kubectl(['logs', '-l', `app.kubernetes.io/name=${gatewayName}`, '--tail=-1']);
      const lines = log.split('\n').filter((line) => line.includes('"managed"'));
      expect(lines.map((line) => JSON.parse(line) as unknown)).toContainEqual(
        expect.objectContaining({
          audit: 'load',
          model: `${world.namespace}/gemma`,
          caller: 'keeper',
          outcome: 'done',
        }),
      );
      expect(log).not.toMatch(/key-of-/);
    });

    it('follows the Secret without a restart', async () => {
      const standing = async () =>
        (await gateway.pods()).map(({ metadata, status }) => [
          metadata.uid,
          status?.containerStatuses?.[0]?.restartCount,
        ]);
      const before = await standing();
      await gateway.applyKeys({ ...keys, asker: ['new-key-of-asker', 'infer'] });
      let looked = 0;
      // The kubelet brings a Secret when it looks at the pod, once a minute or when the pod changes.
      const answersWith = (key: string, status: number) =>
        waitFor(
          `${key} to be answered with ${status}`,
          async () => {
            const mark = `tests/looked=${++looked}`;
            const all = ['-l', `app.kubernetes.io/name=${gatewayName}`, '--overwrite', mark];
            await gateway.kubectl(['annotate', 'pods', ...all]);
            return (await gateway.status('/v1/models', { key })) === status || undefined;
          },
          { timeout: 60_000, every: 500 },
        );
      await answersWith('new-key-of-asker', 200);
      await answersWith('key-of-asker', 401);
      expect(await standing()).toEqual(before);
    });

    it('may not read Secrets', async () => {
      const as = `--as=system:serviceaccount:${systemNamespace}:${gatewayName}`;
      const granted = await world.kubectl(['auth', 'can-i', '--list', as]);
      expect(granted).toContain('modelservers.longshore.dev');
      expect(granted).not.toMatch(/secrets|^\*/m);
    });

    /** What each request was refused with until one was answered. */
    const refusedUntilAnswered = async (): Promise<{ status: number; body: unknown }[]> => {
      const refusals: { status: number; body: unknown }[] = [];
      await waitFor(
        'an answer',
        async () => {
          const { status, body } = await gateway.json('/v1/completions', {
            body: chat,
            key: 'new-key-of-asker',
          });
          if (status === 200) return true;
          refusals.push({ status, body });
          return undefined;
        },
        { timeout: 120_000, every: 250 },
      );
      return refusals;
    };
    const refusedWith = (code: string, message: RegExp) => ({
      status: 503,
      body: {
        error: { message: expect.stringMatching(message) as string, type: 'server_error', param: null, code },
      },
    });

    it('says why a server takes no request that is scaled to zero, and then while it loads', async () => {
      await world.kubectl(['scale', 'modelserver', 'gemma', '--replicas=0']);
      await world.server('gemma', (server) => isReady(server) && server.status?.ready === '0/0');
      const asked = { body: chat, key: 'new-key-of-asker' };
      expect(await gateway.json('/v1/completions', asked)).toEqual(
        refusedWith('model_not_ready', /has 0 replicas\. Scale it: kubectl scale modelserver gemma /),
      );
      await world.kubectl(['scale', 'modelserver', 'gemma', '--replicas=1']);
      const refusals = await refusedUntilAnswered();
      const loading = new RegExp(`is not ready yet\\. ModelServer ${world.namespace}/gemma`);
      expect(refusals.length).toBeGreaterThan(0);
      for (const refusal of refusals) {
        expect([
          refusedWith('model_not_ready', /has 0 replicas/),
          refusedWith('model_not_ready', loading),
        ]).toContainEqual(refusal);
      }
      expect(refusals.at(-1)).toEqual(refusedWith('model_not_ready', loading));
    });

    it('ends what a pod has begun that is deleted, and says why until another one is there', async () => {
      const answer = await gateway.send('/v1/completions', {
        body: { ...chat, max_tokens: 40, stream: true },
        key: 'new-key-of-asker',
      });
      expect(answer.status).toBe(200);
      await world.kubectl(['delete', 'pods', '-l', 'longshore.dev/server=gemma', '--wait=false']);
      expect(await answer.text()).toMatch(/data: \[DONE\]\n\n$/);
      for (const refusal of await refusedUntilAnswered()) {
        expect(refusal).toEqual(refusedWith('model_not_ready', /ModelServer .*\/gemma/));
      }
    });
  });
});
