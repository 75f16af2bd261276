/**
 * A Hugging Face hub without internet: the hub, and its CDN on a second origin. What it answers, and in which
 * headers, follows huggingface.co as seen by huggingface_hub and @huggingface/hub; it serves no Xet.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { goodLine } from './bytes.ts';
import type { Interruption } from './bytes.ts';
import { openCdn } from './cdn.ts';
import { HubRefusal, answerRefusal } from './exchange.ts';
import type { Exchange, RecordedRequest } from './exchange.ts';
import { commit, storeRepo } from './repo.ts';
import type { Change, Entry, Repo, StoredRepo } from './repo.ts';
import { answerHub } from './routes.ts';
import type { HubState } from './routes.ts';

export type HubOptions = {
  repos: Repo[];
  /** Default 127.0.0.1. */
  host?: string;
  /** Default: any free one. */
  port?: number;
  cdnPort?: number;
  /** Name or address in the URLs the hub hands out; by default the one a request was sent to. */
  publicHost?: string;
  /**
   * The CDN's, when it shall differ: huggingface_hub takes the same name on another port for the same host, and
   * then follows the redirect it should read.
   */
  cdnHost?: string;
  /** Valid tokens, besides those in a repository's `access`. */
  tokens?: string[];
  /** Of one CDN connection; undefined for as fast as it goes. */
  bytesPerSecond?: number;
  /** Entries on one page of a file listing. */
  pageSize?: number;
  /** How long a CDN URL is good for; the real one gives an hour. */
  urlLifetimeSeconds?: number;
  /** Milliseconds since the epoch; a test moves it to let URLs expire. */
  now?: () => number;
  log?: (line: string) => void;
};

export type Hub = {
  url: string;
  cdnUrl: string;
  /** Everything both origins were asked, in order of arrival. */
  requests: RecordedRequest[];
  /** Bytes per second of each CDN connection, those already open too. */
  setThrottle(bytesPerSecond: number | undefined): void;
  /**
   * The next `times` CDN answers longer than `bytes` end after that many bytes of body: the connection breaks
   * (`cut`, the default), or stays open and silent (`stall`).
   */
  interruptAfter(bytes: number, times: number, how?: Interruption): void;
  /** The next `times` CDN requests with a good URL are answered with this status. */
  failCdn(status: number, times: number): void;
  /** Whether the CDN heeds Range; while not, it answers 200 with the whole file. */
  setRanges(heeded: boolean): void;
  /** The next `times` requests to the hub are answered 429, to be tried again after `seconds`. */
  rateLimit(times: number, seconds: number): void;
  /** CDN URLs handed out so far answer 403 from now on. */
  expireUrls(): void;
  /** Resolves to the commit id. */
  addRepo(repo: Repo): Promise<string>;
  /** A new commit on `main`; resolves to its id. */
  updateRepo(id: string, change: Change): Promise<string>;
  /** Ends open connections too. */
  close(): Promise<void>;
};

export async function startHub(options: HubOptions): Promise<Hub> {
  const { host = '127.0.0.1', publicHost, log = () => {} } = options;
  const requests: RecordedRequest[] = [];
  const line = goodLine(options.bytesPerSecond);
  const repos = new Map<string, StoredRepo>();
  const tokens = new Set(options.tokens);
  const add = async (repo: Repo): Promise<string> => {
    const stored = await storeRepo(repo);
    for (const token of stored.access) tokens.add(token);
    repos.set(repo.id, stored);
    return stored.refs.get('main') ?? '';
  };
  for (const repo of options.repos) await add(repo);

  const cdn = openCdn({
    find: (oid) => findLfs(repos, oid),
    line,
    urlLifetimeSeconds: options.urlLifetimeSeconds ?? 3600,
    now: options.now ?? Date.now,
  });
  const serve = (origin: 'hub' | 'cdn', respond: (exchange: Exchange) => Promise<void>): Server =>
    createServer((request, response) => {
      const exchange = record(origin, request, response);
      requests.push(exchange.record);
      respond(exchange)
        .catch((error: unknown) => recover(exchange, error))
        .finally(() => log(`${exchange.record.status} ${origin} ${request.method} ${request.url}`));
    });
  const cdnServer = serve('cdn', (exchange) => cdn.answer(exchange));
  const hubServer = serve('hub', (exchange) => answerHub(state, exchange));
  const cdnPort = await listen(cdnServer, host, options.cdnPort ?? 0);
  const port = await listen(hubServer, host, options.port ?? 0);
  const origin = (request: IncomingMessage, to: number, name = publicHost): string =>
    `http://${name ?? hostName(request)}:${to}`;
  const state: HubState = {
    repos,
    tokens,
    pageSize: options.pageSize ?? 1000,
    limited: { times: 0, seconds: 0 },
    hubUrl: (request) => origin(request, port),
    signedUrl: (request, entry) => origin(request, cdnPort, options.cdnHost) + cdn.sign(entry),
  };

  const name = publicHost ?? (host === '0.0.0.0' ? '127.0.0.1' : host);
  return {
    url: `http://${name}:${port}`,
    cdnUrl: `http://${options.cdnHost ?? name}:${cdnPort}`,
    requests,
    setThrottle: (bytesPerSecond) => {
      line.bytesPerSecond = bytesPerSecond;
    },
    interruptAfter: (bytes, times, how = 'cut') => {
      line.interrupt = { bytes, times, how };
    },
    failCdn: (status, times) => {
      line.fail = { status, times };
    },
    setRanges: (heeded) => {
      line.ranges = heeded;
    },
    rateLimit: (times, seconds) => {
      state.limited = { times, seconds };
    },
    expireUrls: () => cdn.expireUrls(),
    addRepo: add,
    updateRepo: async (id, change) => {
      const repo = repos.get(id);
      if (repo === undefined) throw new Error(`the hub has no repository ${id} to update`);
      return await commit(repo, change);
    },
    close: async () => {
      await Promise.all([hubServer, cdnServer].map(stop));
    },
  };
}

function record(origin: 'hub' | 'cdn', request: IncomingMessage, response: ServerResponse): Exchange {
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
    },
  };
}

function recover(exchange: Exchange, error: unknown): void {
  if (exchange.response.headersSent) exchange.response.destroy();
  else if (error instanceof HubRefusal) answerRefusal(exchange, error);
  else answerRefusal(exchange, new HubRefusal(500, error instanceof Error ? error.message : String(error)));
}

function findLfs(repos: Map<string, StoredRepo>, oid: string): Entry | undefined {
  for (const repo of repos.values()) {
    for (const { entries } of repo.commits.values()) {
      for (const entry of entries.values()) if (entry.lfs?.oid === oid) return entry;
    }
  }
  return undefined;
}

function hostName(request: IncomingMessage): string {
  return new URL(`http://${request.headers.host ?? '127.0.0.1'}`).hostname;
}

async function listen(server: Server, host: string, port: number): Promise<number> {
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the hub listens on no TCP port');
  return address.port;
}

async function stop(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
