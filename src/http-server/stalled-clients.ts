import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Ends connections on which nothing has moved for so long, unless it is the server that the client waits for. Without
 * this, a client that does not read what it was sent keeps it in memory for as long as it likes.
 * @returns what to call when the server has begun and when it has ended to answer on a connection
 */
export function endStalled(server: Server, milliseconds: number) {
  const answering = new Map<Socket, number>();
  const count = (socket: Socket, more: number) => {
    const requests = (answering.get(socket) ?? 0) + more;
    if (requests > 0) answering.set(socket, requests);
    else answering.delete(socket);
  };
  // With a listener, Node leaves all of these to it, also what has been kept alive for long enough.
  server.setTimeout(milliseconds, (socket) => {
    if (!answering.has(socket) || socket.writableLength > 0) socket.destroy();
  });
  return {
    begun: (socket: Socket) => count(socket, 1),
    ended: (socket: Socket) => count(socket, -1),
  };
}
