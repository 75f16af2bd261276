import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import type { KubeObject } from '../../src/kube/kind.ts';

/** An API server that lists what it was given, by plural, and tells of no change: enough for caches to be filled from. */
export async function startPlayedCluster(objects: Record<string, readonly KubeObject[]>): Promise<{
  /** Files. */
  kubeconfig: string;
  folder: string;
  close: () => Promise<void>;
}> {
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://cluster');
    const items = objects[pathname.split('/').at(-1) ?? ''];
    response.writeHead(items ? 200 : 404, { 'content-type': 'application/json' });
    if (!searchParams.has('watch')) {
      response.end(JSON.stringify({ metadata: { resourceVersion: '1' }, items: items ?? [] }));
      return;
    }
    const line = (type: string, object: object): void =>
      void response.write(`${JSON.stringify({ type, object })}\n`);
    if (!searchParams.has('sendInitialEvents')) return response.flushHeaders();
    for (const object of items ?? []) line('ADDED', object);
    const annotations = { 'k8s.io/initial-events-end': 'true' };
    line('BOOKMARK', { metadata: { resourceVersion: '1', annotations } });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const config = new KubeConfig();
  config.loadFromClusterAndUser(
    { name: 'played', server: `http://127.0.0.1:${port}`, skipTLSVerify: true },
    { name: 'played', token: 'none' },
  );
  const folder = await mkdtemp(join(tmpdir(), 'longshore-played-'));
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(kubeconfig, config.exportConfig());
  return {
    kubeconfig,
    folder,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await rm(folder, { recursive: true });
    },
  };
}
