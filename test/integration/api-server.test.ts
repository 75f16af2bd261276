import { expect, inject, onTestFinished } from 'vitest';
import { connect } from '../../src/kube/client.ts';
import { Informer } from '../../src/kube/informer.ts';
import { recordLog } from '../../src/kube/testing/logs.ts';
import { Story, versionsOf } from '../../src/kube/testing/story.ts';
import { configMaps, it, type ConfigMap } from './config-maps.ts';
import { eventually } from './eventually.ts';
import { OwnApiServer } from './own-api-server.ts';

it('a cache survives the crash of an API server that comes back with no memory of before', async ({
  client,
  namespace,
  skip,
}) => {
  const server =
    (await OwnApiServer.of(inject('kubeconfig'))) ?? skip('the control plane is not ours to start');
  onTestFinished(() => server[Symbol.asyncDispose]());
  await server.start();
  const write = (name: string, value: string) =>
    client.apply(configMaps, { metadata: { name, namespace }, data: { value } });
  await Promise.all(['kept', 'changed', 'deleted', 'replaced'].map((name) => write(name, 'before')));

  const near = connect(server.config, { fieldManager: 'test' });
  const log = recordLog();
  const story = new Story<ConfigMap>();
  const timing = { backoff: { baseMs: 50, capMs: 500 } };
  const informer = new Informer({ client: near, kind: configMaps, namespace, log, timing });
  informer.onChange(story.hear);
  const stop = new AbortController();
  const running = informer.start(stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await running;
    await near.close();
  });
  await informer.synced();

  await server.kill();
  await Promise.all([
    write('changed', 'after'),
    write('made', 'after'),
    client.delete(configMaps, { namespace, name: 'deleted' }),
    client
      .delete(configMaps, { namespace, name: 'replaced' })
      .then(() => eventually(() => write('replaced', 'after'))),
  ]);
  await server.compact();
  await server.start();

  const { items } = await client.list(configMaps, { namespace });
  await eventually(() => expect(versionsOf(informer.list())).toEqual(versionsOf(items)));
  expect(story.present()).toEqual(versionsOf(items));
  expect(story.faults).toEqual([]);
  expect(log.fields).toContainEqual(
    expect.objectContaining({ err: expect.objectContaining({ status: 410 }) as object }),
  );
  await write('made', 'later');
  await eventually(() => expect(informer.get(namespace, 'made')?.data).toEqual({ value: 'later' }));
});
