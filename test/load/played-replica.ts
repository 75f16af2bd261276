import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { json } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { runtimePort } from '../../src/protocols/runtime.ts';

/** What the prompt of a request has a replica do. */
export type Conduct =
  | 'answer' // at once, as a whole
  | 'stream' // three pieces, to the end
  | 'hold' // a piece, and the rest when it is told to go on
  | 'flood' // pieces as fast as they are taken
  | 'crash'; // breaks off before it has answered

export interface PlayedReplica {
  ip: string;
  /** Those that hold their answers go on. */
  goOn: () => void;
  /** Bytes that were taken of each flood. */
  taken: () => number[];
  connections: () => Promise<number>;
  close: () => void;
}

const piece = (text: string): string => `data: ${JSON.stringify({ choices: [{ text }] })}\n\n`;
const rest = `${piece('b')}${piece('c')}data: [DONE]\n\n`;
/** Of a flood, that nobody reads to its end. */
const most = 64 << 20;

/** A web server where a pod of the runtime would be: it does as prompts say. Linux has all of 127.0.0.0/8. */
export async function startReplica(): Promise<PlayedReplica> {
  const holding = new Set<ServerResponse>();
  const floods: { taken: number }[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const { prompt, model } = (await json(request)) as { prompt: Conduct; model: string };
      if (prompt === 'crash') return response.destroy();
      if (prompt === 'answer') {
        response.writeHead(200, { 'content-type': 'application/json' });
        return response.end(JSON.stringify({ object: 'text_completion', model, choices: [{ text: 'abc' }] }));
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(piece('a'));
      if (prompt === 'stream') return response.end(rest);
      if (prompt === 'flood') return await flood(response, floods);
      holding.add(response);
      response.once('close', () => holding.delete(response));
    })().catch(() => response.destroy());
  });
  const ip = await listenSomewhere(server);
  return {
    ip,
    goOn: () => {
      for (const response of holding) response.end(rest);
    },
    taken: () => floods.map(({ taken }) => taken),
    connections: promisify(server.getConnections.bind(server)),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function flood(response: ServerResponse, floods: { taken: number }[]): Promise<void> {
  const counted = { taken: 0 };
  floods.push(counted);
  const much = piece('x'.repeat(64 << 10));
  const pieces = function* (): Generator<string> {
    for (; counted.taken < most; counted.taken += much.length) yield much;
  };
  await pipeline(Readable.from(pieces(), { highWaterMark: 1 }), response);
}

/** An address that is in use by another run is passed over. */
async function listenSomewhere(server: ReturnType<typeof createServer>): Promise<string> {
  const random = (below: number): number => Math.floor(Math.random() * below);
  for (;;) {
    const ip = `127.${10 + random(240)}.${random(256)}.${1 + random(254)}`;
    server.listen(runtimePort, ip);
    try {
      await once(server, 'listening');
      return ip;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
    }
  }
}
