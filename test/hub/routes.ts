/** The hub's own origin: who may read what, and which answer each path has. */
import type { IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { z } from 'zod';
import { fileInfo, folderInfo, isTrue, modelInfo, modelList, tree, whoami } from './api.ts';
import { goodLine, serveBytes } from './bytes.ts';
import { answer, answerJson, refusals } from './exchange.ts';
import type { Exchange, Headers } from './exchange.ts';
import { answerAsRegistry } from './hub-registry.ts';
import { findCommit, lfsPointer } from './repo.ts';
import type { Commit, Entry, StoredRepo } from './repo.ts';

/** What the routes know of the hub they answer for. */
export type HubState = {
  repos: Map<string, StoredRepo>;
  tokens: Set<string>;
  pageSize: number;
  limited: { times: number; seconds: number };
  /** Where a URL for this client should point; scheme, name and port. */
  hubUrl(request: IncomingMessage): string;
  signedUrl(request: IncomingMessage, entry: Entry): string;
};

/** Requests are not counted: the headers are those of a window hardly used. */
const rateLimitHeaders: Headers = {
  RateLimit: '"api";r=499;t=300',
  'RateLimit-Policy': '"fixed window";"api";q=500;w=300',
};

export async function answerHub(hub: HubState, exchange: Exchange): Promise<void> {
  for (const [name, value] of Object.entries(rateLimitHeaders)) exchange.response.setHeader(name, value);
  if (hub.limited.times > 0) {
    hub.limited.times -= 1;
    throw refusals.tooManyRequests(hub.limited.seconds);
  }
  const token = readToken(hub, exchange);
  const moved = movedTo(hub, exchange.url);
  if (moved !== undefined) {
    return answer(exchange, 307, { Location: moved }, `Temporary Redirect. Redirecting to ${moved}`);
  }
  const path = exchange.url.pathname.split('/').slice(1).map(decodeURIComponent);
  if (path[0] === 'v2') {
    const repo = findRepo(hub, `${path[1]}/${path[2]}`, token);
    checkGate(hub, exchange, repo, token);
    return await answerAsRegistry(repo, exchange, path.slice(3), (entry) =>
      hub.signedUrl(exchange.request, entry),
    );
  }
  if (path[0] !== 'api') return await answerFile(hub, exchange, token, path);
  if (path[1] === 'whoami-v2') {
    if (token === undefined) throw refusals.noToken();
    return answerJson(exchange, 200, whoami(token));
  }
  if (path[1] === 'resolve-cache') {
    const [owner, name, revision = '', ...rest] = path.slice(3);
    const repo = findRepo(hub, `${owner}/${name}`, token);
    return await serveFile(exchange, findEntry(findRevision(repo, revision), rest.join('/')), revision);
  }
  if (path[1] === 'models' && path.length === 2) {
    const visible = [...hub.repos.values()].filter((repo) => isVisible(repo, token));
    return answerJson(exchange, 200, modelList(visible, exchange.url.searchParams));
  }
  if (path[1] !== 'models' || path.length < 4) throw refusals.noSuchPage();
  await answerModelApi(hub, exchange, token, path.slice(2));
}

async function answerModelApi(hub: HubState, exchange: Exchange, token: string | undefined, path: string[]) {
  const [owner, name, what = 'revision', revision = 'HEAD', ...rest] = path;
  const repo = findRepo(hub, `${owner}/${name}`, token);
  const { searchParams } = exchange.url;
  const commit = findRevision(repo, revision);
  if (what === 'revision') return answerJson(exchange, 200, modelInfo(repo, commit, searchParams));
  if (what === 'tree') {
    const page = tree(commit, rest.join('/'), searchParams, hub.pageSize);
    if (page === undefined) throw refusals.entryNotFound();
    const next = new URL(exchange.url.pathname + exchange.url.search, hub.hubUrl(exchange.request));
    if (page.next === undefined) return answerJson(exchange, 200, page.items);
    next.searchParams.set('cursor', page.next);
    return answerJson(exchange, 200, page.items, { Link: `<${next.href}>; rel="next"` });
  }
  if (what === 'paths-info' && exchange.request.method === 'POST') {
    const { paths, expand } = await readPathsBody(exchange);
    return answerJson(
      exchange,
      200,
      paths.flatMap((wanted) => pathInfo(commit, wanted, expand)),
    );
  }
  throw refusals.noSuchPage();
}

function pathInfo(commit: Commit, path: string, expand: boolean) {
  const entry = commit.entries.get(path);
  if (entry !== undefined) return [fileInfo(entry, expand)];
  const inside = [...commit.entries.values()].filter((other) => other.path.startsWith(`${path}/`));
  return inside.length === 0 ? [] : [folderInfo(path, inside)];
}

const pathsBody = z
  .string()
  .transform((body, context): unknown => {
    try {
      return JSON.parse(body);
    } catch {
      context.addIssue('not JSON');
      return z.NEVER;
    }
  })
  .pipe(z.object({ paths: z.array(z.string()), expand: z.boolean().default(false) }));

/** JSON as @huggingface/hub sends it, or a form as huggingface_hub does. */
async function readPathsBody({ request }: Exchange): Promise<{ paths: string[]; expand: boolean }> {
  const body = (await buffer(request)).toString('utf8');
  if (request.headers['content-type']?.startsWith('application/json') !== true) {
    const form = new URLSearchParams(body);
    return { paths: form.getAll('paths'), expand: isTrue(form.get('expand')) };
  }
  const asked = pathsBody.safeParse(body);
  if (!asked.success) throw refusals.badRequest(z.prettifyError(asked.error));
  return asked.data;
}

/** `/{owner}/{name}/resolve/{revision}/{path}` and `raw`, which gives LFS pointers as they are in git. */
async function answerFile(hub: HubState, exchange: Exchange, token: string | undefined, path: string[]) {
  const [owner, name, how, revision, ...rest] = path;
  if ((how !== 'resolve' && how !== 'raw') || revision === undefined || rest.length === 0)
    throw refusals.noSuchPage();
  const repo = findRepo(hub, `${owner}/${name}`, token);
  checkGate(hub, exchange, repo, token);
  const commit = findRevision(repo, revision);
  const headers: Headers = { 'X-Repo-Commit': commit.id, 'Accept-Ranges': 'bytes' };
  for (const [header, value] of Object.entries(headers)) exchange.response.setHeader(header, value);
  const entry = findEntry(commit, rest.join('/'));
  if (how === 'raw') return await serveFile(exchange, asInGit(entry), commit.id);
  if (entry.lfs !== undefined) {
    const location = hub.signedUrl(exchange.request, entry);
    const linked: Headers = { 'X-Linked-ETag': `"${entry.lfs.oid}"`, 'X-Linked-Size': entry.lfs.size };
    return answer(
      exchange,
      302,
      { Location: location, ETag: `"${entry.lfs.oid}"`, ...linked },
      `Found. Redirecting to ${location}`,
    );
  }
  // Public small files come from a cache on the same host, by a relative URL (swift-transformers#209).
  if (repo.private !== true && !repo.gated) {
    const file = rest.map(encodeURIComponent).join('/');
    const location = `/api/resolve-cache/models/${repo.id}/${commit.id}/${file}?${encodeURIComponent(exchange.url.pathname)}=&etag=${encodeURIComponent(`"${entry.oid}"`)}`;
    return answer(exchange, 307, { Location: location }, `Temporary Redirect. Redirecting to ${location}`);
  }
  await serveFile(exchange, entry, commit.id);
}

async function serveFile(exchange: Exchange, entry: Entry, commit: string): Promise<void> {
  const { content, size, oid } = entry;
  await serveBytes(exchange, { content, size, etag: `"${oid}"` }, { 'X-Repo-Commit': commit }, direct);
}

/** Only the CDN is throttled and interrupted. */
const direct = goodLine();

function asInGit(entry: Entry): Entry {
  if (entry.lfs === undefined) return entry;
  const content = lfsPointer(entry.lfs);
  return { ...entry, content, size: content.byteLength };
}

/** A token the hub does not know is refused everywhere, public repositories included. */
function readToken(hub: HubState, exchange: Exchange): string | undefined {
  const { authorization } = exchange.request.headers;
  if (authorization === undefined) return undefined;
  const token = /^Bearer (.+)$/.exec(authorization)?.[1];
  if (token === undefined || !hub.tokens.has(token)) throw refusals.badToken();
  return token;
}

/** A renamed repository answers under its old name with a redirect, relative and with the query kept. */
function movedTo(hub: HubState, { pathname, search }: URL): string | undefined {
  const [, api = '', named = '', rest = ''] = /^(\/api\/models)?\/([^/]+\/[^/]+)(.*)$/.exec(pathname) ?? [];
  for (const { id, formerIds = [] } of hub.repos.values()) {
    if (formerIds.includes(named)) return `${api}/${id}${rest}${search}`;
  }
  return undefined;
}

/** A private repository does not exist for those who may not read it. */
function findRepo(hub: HubState, id: string, token: string | undefined): StoredRepo {
  const repo = hub.repos.get(id);
  if (repo === undefined || !isVisible(repo, token)) throw refusals.repoNotFound(token !== undefined);
  return repo;
}

function isVisible(repo: StoredRepo, token: string | undefined): boolean {
  return repo.private !== true || (token !== undefined && repo.access.has(token));
}

/** A gate closes the files; what the API lists stays open to all (huggingface.js#945). */
function checkGate(hub: HubState, { request }: Exchange, repo: StoredRepo, token: string | undefined): void {
  if (!repo.gated || (token !== undefined && repo.access.has(token))) return;
  if (token === undefined) throw refusals.gatedForStrangers(repo.id);
  throw refusals.gatedForToken(repo.id, hub.hubUrl(request));
}

function findRevision(repo: StoredRepo, revision: string): Commit {
  const commit = findCommit(repo, revision);
  if (commit === undefined) throw refusals.revisionNotFound(revision);
  return commit;
}

function findEntry(commit: Commit, path: string): Entry {
  const entry = commit.entries.get(path);
  if (entry === undefined) throw refusals.entryNotFound();
  return entry;
}
