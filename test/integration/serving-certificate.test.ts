import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { KubeConfig } from '@kubernetes/client-node';
import { expect, inject, onTestFinished, test } from 'vitest';
import { connect } from '../../src/kube/client.ts';
import { Informer } from '../../src/kube/informer.ts';
import { recordLog } from '../../src/kube/testing/logs.ts';
import { Story, versionsOf } from '../../src/kube/testing/story.ts';
import { writeState } from '../cluster/native/state.ts';
import { configMaps, type ConfigMap } from './config-maps.ts';
import { eventually } from './eventually.ts';
import { ownWorld } from './it.ts';
import { isReady } from './objects.ts';
import { OwnApiServer } from './own-api-server.ts';
import { weights } from './weights.ts';

/** What the server at this address shows of itself to whoever connects. */
function certificateOf(server: string): Promise<string> {
  const { hostname, port } = new URL(server);
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: hostname, port: Number(port), rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

/** As the files of a service account are: the authority is a file that may be replaced. */
function trusting(config: KubeConfig, caFile: string): KubeConfig {
  const copy = new KubeConfig();
  copy.loadFromString(config.exportConfig());
  copy.clusters = copy.clusters.map(({ name, server, skipTLSVerify }) => ({
    name,
    server,
    skipTLSVerify,
    caFile,
  }));
  return copy;
}

test('whoever watches and writes goes on when the API server comes back with another certificate', async ({
  skip,
  task,
}) => {
  const kubeconfig = inject('kubeconfig');
  const server = (await OwnApiServer.of(kubeconfig)) ?? skip('the control plane is not ours to start');
  onTestFinished(() => server[Symbol.asyncDispose]());
  const folder = await mkdtemp(join(tmpdir(), 'longshore-authority-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const caFile = join(folder, 'ca.crt');
  await cp(server.authority, caFile);
  const config = trusting(server.config, caFile);
  const operatorKubeconfig = join(folder, 'kubeconfig');
  await writeFile(operatorKubeconfig, config.exportConfig(), { mode: 0o600 });
  const url = config.getCurrentCluster()?.server ?? '';

  await server.start();
  const world = await ownWorld({ operatorKubeconfig }, task, onTestFinished);
  const { namespace, client, operator } = world;

  const near = connect(config, { fieldManager: 'near' });
  const log = recordLog();
  const story = new Story<ConfigMap>();
  const timing = { backoff: { baseMs: 50, capMs: 500 } };
  const informer = new Informer({ client: near, kind: configMaps, namespace, log, timing });
  informer.onChange(story.hear);
  const stop = new AbortController();
  const watching = informer.start(stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await watching;
    await near.close();
  });
  await informer.synced();

  const write = (to: typeof client, name: string, value: string) =>
    to.apply(configMaps, { metadata: { name, namespace }, data: { value } });
  const shown = [await certificateOf(url)];
  /** Comes back with another certificate; things have changed meanwhile. */
  const rotate = async (authority: 'same' | 'new'): Promise<void> => {
    for (const name of ['kept', 'changed', 'deleted']) await write(near, name, `before ${authority}`);
    await server.kill();
    await write(client, 'changed', `after ${authority}`);
    await write(client, `made-${authority}`, 'after');
    await client.delete(configMaps, { namespace, name: 'deleted' });
    await world.applyModel(authority);
    world.kubelet.provides(authority, weights());
    await server.renewCertificate({ authority });
    await server.start();
    shown.push(await certificateOf(url));
  };
  /** What was missed is made up for, and writes go through the same client and the same operator. */
  const expectGoesOn = async (authority: 'same' | 'new'): Promise<void> => {
    const since = performance.now();
    const seconds = (): string => ((performance.now() - since) / 1000).toFixed(1);
    await eventually(() => write(near, 'changed', `later ${authority}`));
    const written = seconds();
    const { items } = await client.list(configMaps, { namespace });
    await eventually(() => expect(versionsOf(informer.list())).toEqual(versionsOf(items)));
    expect(story.present()).toEqual(versionsOf(items));
    expect(story.faults).toEqual([]);
    await world.models.untilOne(authority, isReady);
    expect(operator.running).toBe(true);
    console.error(`${authority} authority: writes after ${written} s, the operator after ${seconds()} s`);
  };
  const isRefused = (error: unknown): boolean => /certificate/.test(String(error));

  await rotate('same');
  await expectGoesOn('same');
  expect(log.fields.filter((fields) => isRefused((fields as { err?: unknown }).err))).toEqual([]);

  await rotate('new');
  await eventually(() => expect(write(near, 'kept', 'refused')).rejects.toSatisfy(isRefused));
  expect(new Set(shown).size).toBe(3);
  const authorities = await Promise.all([caFile, server.authority].map((path) => readFile(path, 'utf8')));
  await writeState(caFile, authorities.join(''));
  await expectGoesOn('new');
});
