/** Servers that write down what they are asked. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { TLSSocket } from 'node:tls';
import type { Exchange, OriginName, RecordedRequest } from './exchange.ts';

export type Recording = {
  /** Gets every request on arrival. */
  requests: RecordedRequest[];
  log: (line: string) => void;
  /** Says to the client what went wrong in `respond`. */
  recover: (exchange: Exchange, error: unknown) => void;
  /** Answers over https, with this certificate; all in PEM. */
  tls?: Identity | undefined;
};

export type Identity = { key: string; cert: string };

export function createOrigin(
  origin: OriginName,
  { requests, log, recover, tls }: Recording,
  respond: (exchange: Exchange) => Promise<void>,
): Server {
  const listener: RequestListener = (request, response) => {
    const exchange = record(origin, request, response);
    requests.push(exchange.record);
    respond(exchange)
      .catch((error: unknown) => recover(exchange, error))
      .finally(() => log(`${exchange.record.status} ${origin} ${request.method} ${request.url}`));
  };
  return tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
}

function record(origin: OriginName, request: IncomingMessage, response: ServerResponse): Exchange {
  const { authorization, range } = request.headers;
  return {
    request,
    response,
    // `OPTIONS *` has no path.
    url: URL.parse(`http://hub${request.url}`) ?? new URL('http://hub/'),
    record: {
      origin,
      method: request.method ?? '',
      path: request.url ?? '',
      ...(authorization !== undefined && { authorization }),
      ...(range !== undefined && { range }),
      status: 0,
      sentBytes: 0,
    },
  };
}

/** The origin on `port` as this client can reach it: by the name it used, unless there is a better one. */
export function originUrl(request: IncomingMessage, port: number, name?: string): string {
  const used = new URL(`http://${request.headers.host ?? '127.0.0.1'}`).hostname;
  const scheme = request.socket instanceof TLSSocket ? 'https' : 'http';
  return `${scheme}://${name ?? used}:${port}`;
}

/** Resolves to the port; 0 asks for any free one. */
export async function listen(server: Server, host: string, port: number): Promise<number> {
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('this server has no TCP port');
  return address.port;
}

/** Ends open connections too. */
export async function stop(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
