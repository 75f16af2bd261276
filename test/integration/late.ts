import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { KubeConfig } from '@kubernetes/client-node';

/** How much of what passes is late. */
const share = 0.2;

export interface Late extends AsyncDisposable {
  /** Of whoever goes through the proxy; beside the other one. */
  kubeconfig: string;
}

/**
 * A way to the API server on which requests, answers and what watches tell come late, now and then, each connection for
 * itself: as on a busy machine, where nothing is in the order that a quiet one suggests.
 * @param mostMs milliseconds
 */
export async function startLate(kubeconfig: string, mostMs: number): Promise<Late> {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const [cluster] = config.clusters;
  if (!cluster) throw new Error(`${kubeconfig} names no cluster`);
  const { hostname, port } = new URL(cluster.server);
  const sockets = new Set<Socket>();
  const pass = async (from: Socket, to: Socket): Promise<void> => {
    sockets.add(from);
    try {
      await pipeline(
        from,
        async function* (pieces: AsyncIterable<Buffer>) {
          for await (const piece of pieces) {
            if (Math.random() < share) await delay(Math.random() * mostMs);
            yield piece;
          }
        },
        to,
      );
    } catch {
      // Whoever is still there learns it by the end of the connection.
    } finally {
      sockets.delete(from);
    }
  };
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    void pass(near, far);
    void pass(far, near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: own } = server.address() as AddressInfo;
  config.clusters = [{ ...cluster, server: `https://127.0.0.1:${own}` }];
  const path = join(dirname(kubeconfig), 'kubeconfig-late');
  await writeFile(path, config.exportConfig(), { mode: 0o600 });
  return {
    kubeconfig: path,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
