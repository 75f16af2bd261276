import { createServer, type AddressInfo, type Socket } from 'node:net';
import { PortForward } from '@kubernetes/client-node';
import { labels } from '../../controllers/labels.ts';
import { isReady } from '../../controllers/pods.ts';
import { pods } from '../../kube/builtin.ts';
import { runtimePort } from '../../protocols/runtime.ts';
import type { Connection } from './connection.ts';
import { CliError, exitCodes } from '../failure.ts';
import { refusedBy } from './refusal.ts';

export interface Forward extends Disposable {
  /** `http://127.0.0.1:port`, which leads to a pod of the server. */
  readonly url: string;
}

/** A way to a ready pod of a server through the API server, as `kubectl port-forward` makes one. */
export async function forwardTo(
  { client, kubeConfig, namespace }: Omit<Connection, keyof AsyncDisposable>,
  server: string,
  self: string,
): Promise<Forward> {
  const labelSelector = `${labels.server}=${server}`;
  const found = await client.list(pods, { namespace, labelSelector }).catch((error: unknown) => {
    throw refusedBy(error, `find the pods of ${server}`);
  });
  const pod = found.items.find(isReady);
  if (!pod) {
    throw new CliError(
      exitCodes.failed,
      `No pod of server ${server} is ready.`,
      `See how it stands with \`${self} ps\`.`,
    );
  }
  const forward = new PortForward(kubeConfig);
  const join = async (socket: Socket): Promise<void> => {
    const way: unknown = await forward.portForward(
      namespace,
      pod.metadata.name,
      [runtimePort],
      socket,
      null,
      socket,
    );
    // Without retries it is the WebSocket itself.
    const tunnel = way as Pick<WebSocket, 'addEventListener' | 'close'>;
    if (socket.destroyed) return tunnel.close();
    socket.once('close', () => tunnel.close());
    tunnel.addEventListener('close', () => socket.destroy());
  };
  const sockets = new Set<Socket>();
  const listener = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    join(socket).catch(() => socket.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(0, '127.0.0.1', resolve);
  });
  const { port } = listener.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.dispose]() {
      listener.close();
      // A client keeps its connection for the next request: the program would wait until the server has enough of that.
      for (const socket of sockets) socket.destroy();
    },
  };
}
