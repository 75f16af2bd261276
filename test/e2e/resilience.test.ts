import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jobs, pods, type Pod } from '../../src/kube/builtin.ts';
import type { Live } from '../../src/kube/kind.ts';
import { waitFor } from '../cluster/commands.ts';
import { standard } from '../hub/content.ts';
import { systemNamespace } from '../stack/stack.ts';
import { isReady, readyReason, World } from './world.ts';

const size = 253_113_024;

describe('a pull that is disturbed', () => {
  let world: World;
  beforeAll(async () => {
    world = await World.start();
    // Of each connection; there will be many.
    world.hub.setThrottle(1_000_000);
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const startPull = async (name: string): Promise<void> => {
    await world.applyModel(name, { huggingFace: { repo: standard.gemma.repo } });
    await world.model(name, ({ status }) => (status?.progress?.percent ?? 0) >= 20);
  };
  const suspend = (name: string, is: boolean) =>
    world.kubectl(['patch', 'model', name, '--type=merge', '-p', JSON.stringify({ spec: { suspend: is } })]);
  const runningPod = async (namespace: string, labelSelector: string): Promise<Live<Pod>> => {
    const { items } = await world.client.list(pods, { namespace, labelSelector });
    const running = items.find(({ status }) => status?.phase === 'Running');
    if (!running) throw new Error(`no running pod has ${labelSelector}`);
    return running;
  };
  /** Bytes of the model that the CDN was asked for by the pod that listed the repository last. */
  const askedForByLast = (): number => {
    const { requests } = world.hub;
    const listed = requests.findLastIndex(({ path }) => path.includes('/tree/'));
    return requests
      .slice(listed)
      .filter(({ origin }) => origin === 'cdn')
      .map(({ range }) => /^bytes=(\d+)-(\d+)$/.exec(range ?? ''))
      .reduce((sum, match) => sum + (match ? Number(match[2]) - Number(match[1]) + 1 : size), 0);
  };

  it('goes on where it was when its pod is killed', async () => {
    await startPull('killed');
    const pod = await runningPod(world.namespace, 'longshore.dev/model=killed,longshore.dev/task=pull');
    await world.client.delete(
      pods,
      { namespace: world.namespace, name: pod.metadata.name },
      { gracePeriodSeconds: 0 },
    );
    const { status } = await world.model('killed', isReady);
    expect(status?.artifact?.sizeBytes).toBe(size);
    // The second pod asks for what is missing only: a fifth and more was there.
    expect(askedForByLast()).toBeLessThan(size * 0.9);
  });

  it('goes on where it was when its pod is evicted, and when it was suspended', async () => {
    const selector = 'longshore.dev/model=paused,longshore.dev/task=pull';
    const before = world.hub.requests.length;
    await startPull('paused');
    const evicted = await runningPod(world.namespace, selector);
    const path = `/api/v1/namespaces/${world.namespace}/pods/${evicted.metadata.name}/eviction`;
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: evicted.metadata.name } };
    await world.kubectl(['create', '--raw', path, '-f', '-'], JSON.stringify(eviction));
    await world.model('paused', ({ status }) => (status?.progress?.percent ?? 0) >= 40);

    await suspend('paused', true);
    const { status } = await world.model('paused', (model) => readyReason(model) === 'Suspended');
    expect(status?.progress?.percent).toBeGreaterThanOrEqual(40);
    await waitFor(
      'the pods to end',
      async () => {
        const { items } = await world.client.list(pods, {
          namespace: world.namespace,
          labelSelector: selector,
        });
        return items.length === 0 ? true : undefined;
      },
      { timeout: 60_000 },
    );
    await suspend('paused', false);
    await world.model('paused', isReady);
    const sent = world.hub.requests.slice(before).reduce((sum, { sentBytes }) => sum + sentBytes, 0);
    // Three pods, and no byte twice but those that were on their way.
    expect(sent).toBeLessThan(size * 1.1);
  });

  it('is not disturbed when the operator is killed, and is found again by the next one', async () => {
    await startPull('orphan');
    const operator = await runningPod(systemNamespace, 'app.kubernetes.io/name=longshore-operator');
    const ref = { namespace: systemNamespace, name: operator.metadata.name };
    await world.client.delete(pods, ref, { gracePeriodSeconds: 0 });
    await waitFor(
      'another operator',
      async () => {
        const next = await runningPod(systemNamespace, 'app.kubernetes.io/name=longshore-operator');
        return next.metadata.uid === operator.metadata.uid ? undefined : true;
      },
      { timeout: 60_000 },
    );
    await world.model('orphan', isReady);
    const { items } = await world.client.list(jobs, {
      namespace: world.namespace,
      labelSelector: 'longshore.dev/model=orphan',
    });
    const tasks = items.map(({ metadata }) => metadata.labels?.['longshore.dev/task']);
    expect(tasks).toHaveLength(2);
    expect(new Set(tasks)).toEqual(new Set(['inspect', 'pull']));
  });
});
