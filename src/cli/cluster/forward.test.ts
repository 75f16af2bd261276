import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { KubeConfig } from '@kubernetes/client-node';
import { expect, it, onTestFinished } from 'vitest';
import type { KubeClient } from '../../kube/client.ts';
import { aServerPod } from '../../controllers/testing/servers.ts';
import { forwardTo } from './forward.ts';

it('a way to a pod ends with all that goes over it', async () => {
  // An API server that makes nothing of what it is asked for, and keeps the connection.
  const kept: Duplex[] = [];
  const apiServer = createServer();
  apiServer.on('upgrade', (_request, socket) => kept.push(socket));
  apiServer.listen(0, '127.0.0.1');
  await once(apiServer, 'listening');
  onTestFinished(() => {
    for (const socket of kept) socket.destroy();
    apiServer.close();
  });
  const kubeConfig = new KubeConfig();
  const server = `http://127.0.0.1:${(apiServer.address() as AddressInfo).port}`;
  kubeConfig.loadFromClusterAndUser({ name: 'c', server, skipTLSVerify: true }, { name: 'u' });
  const list = async () => ({ items: [aServerPod('p', { ready: true })], resourceVersion: '1' });
  const client = { list } as unknown as KubeClient;

  const way = await forwardTo({ client, kubeConfig, namespace: 'ns' }, 'chat', 'longshore');
  const caller = connect(Number(new URL(way.url).port), '127.0.0.1');
  await once(caller, 'connect');
  await once(apiServer, 'upgrade');
  const closed = once(caller, 'close');
  way[Symbol.dispose]();
  await closed;
  expect(caller.destroyed).toBe(true);
});
