/**
 * A Hugging Face hub without internet: the hub, and its CDN on a second origin. What it answers, and in which
 * headers, follows huggingface.co as seen by huggingface_hub and @huggingface/hub; it serves no Xet.
 */
import { controlsOf, goodLine } from './bytes.ts';
import type { LineControls } from './bytes.ts';
import { openCdn } from './cdn.ts';
import { openFaults } from './faults.ts';
import type { FaultControls } from './faults.ts';
import type { Stored } from './cdn.ts';
import { HubRefusal, answerRefusal } from './exchange.ts';
import type { Exchange, RecordedRequest } from './exchange.ts';
import { createOrigin, listen, originUrl, stop } from './origin.ts';
import type { Identity } from './origin.ts';
import { commit, storeRepo } from './repo.ts';
import type { Change, Repo, StoredRepo } from './repo.ts';
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
   * The CDN's, when it shall differ: some releases of huggingface_hub take the same name on another port for the
   * same host, and then follow the redirect they should read.
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
  /** Both origins answer over https, with this certificate. */
  tls?: Identity;
  log?: (line: string) => void;
};

/** The controls are those of the CDN. */
export type Hub = LineControls &
  FaultControls & {
    url: string;
    cdnUrl: string;
    /** Everything both origins were asked, in order of arrival. */
    requests: RecordedRequest[];
    /** The next `times` CDN requests with a good URL are answered with this status. */
    failCdn(status: number, times: number): void;
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
  const { host = '127.0.0.1', publicHost, tls, log = () => {} } = options;
  const requests: RecordedRequest[] = [];
  const line = goodLine(options.bytesPerSecond);
  const faults = openFaults();
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
    find: (path) => findLfs(repos, path.replace(lfsPrefix, '')),
    line,
    faults,
    urlLifetimeSeconds: options.urlLifetimeSeconds ?? 3600,
    now: options.now ?? Date.now,
  });
  const cdnServer = createOrigin('cdn', { requests, log, recover, tls }, (exchange) => cdn.answer(exchange));
  const hubServer = createOrigin('hub', { requests, log, recover, tls }, (exchange) =>
    answerHub(state, exchange),
  );
  const cdnPort = await listen(cdnServer, host, options.cdnPort ?? 0);
  const port = await listen(hubServer, host, options.port ?? 0);
  const state: HubState = {
    repos,
    tokens,
    pageSize: options.pageSize ?? 1000,
    limited: { times: 0, seconds: 0 },
    hubUrl: (request) => originUrl(request, port, publicHost),
    signedUrl: (request, { path, lfs }) =>
      originUrl(request, cdnPort, options.cdnHost ?? publicHost) +
      cdn.sign(`${lfsPrefix}${lfs?.oid}`, path.split('/').at(-1) ?? ''),
  };

  const name = publicHost ?? (host === '0.0.0.0' ? '127.0.0.1' : host);
  const scheme = tls === undefined ? 'http' : 'https';
  return {
    url: `${scheme}://${name}:${port}`,
    cdnUrl: `${scheme}://${options.cdnHost ?? name}:${cdnPort}`,
    requests,
    ...controlsOf(line),
    inject: (plan) => faults.inject(plan),
    failCdn: (status, times) => {
      line.fail = { status, times };
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

function recover(exchange: Exchange, error: unknown): void {
  if (exchange.response.headersSent) exchange.response.destroy();
  else if (error instanceof HubRefusal) answerRefusal(exchange, error);
  else answerRefusal(exchange, new HubRefusal(500, error instanceof Error ? error.message : String(error)));
}

const lfsPrefix = '/lfs/';

function findLfs(repos: Map<string, StoredRepo>, oid: string): Stored | undefined {
  for (const repo of repos.values()) {
    for (const { entries } of repo.commits.values()) {
      for (const { content, size, lfs } of entries.values())
        if (lfs?.oid === oid) return { content, size, sha256: oid };
    }
  }
  return undefined;
}
