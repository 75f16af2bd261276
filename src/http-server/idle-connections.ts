import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Ends connections on which nothing is being asked or answered. Node's own closeIdleConnections leaves those alone that
 * were opened and never used, as clients do that give a request up before it is sent: they would hold up the end.
 * @returns what to call when the server is to close, as often as it takes
 */
export function idleConnections(server: Server): () => void {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return () => {
    server.closeIdleConnections();
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
  };
}
