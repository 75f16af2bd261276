import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { standard, standardRepos, strangerToken, testToken } from '../../../test/hub/content.ts';
import { tinyGguf } from '../../../test/hub/gguf.ts';
import { startHub, type Hub } from '../../../test/hub/hub.ts';
import { publicHub, publicRegistry, type HuggingFaceSource } from '../../api/source.ts';
import { readCredentials, tokenFor, type Credentials } from '../credentials.ts';
import { createHttpGet } from '../http/http.ts';
import { huggingFaceSource } from './hugging-face.ts';
import type { Source } from '../source.ts';
import { said } from '../testing/said.ts';
import { listen } from '../testing/server.ts';

/** Of a mirror: the public hub's begin with hf_. */
const mirrorToken = 'AKCp8.mirror-token_1';
const renamed = { repo: 'acme/new-name', formerly: 'acme/old-name' };
let hub: Hub;

beforeAll(async () => {
  const repos = [
    ...standardRepos(),
    { id: 'acme/secret', private: true, access: [testToken, mirrorToken], files: { 'm.gguf': tinyGguf() } },
    {
      id: renamed.repo,
      formerIds: [renamed.formerly],
      private: true,
      access: [testToken],
      files: { 'm.gguf': tinyGguf() },
    },
  ];
  hub = await startHub({ repos, tokens: [testToken, strangerToken], pageSize: 2 });
});
afterAll(() => hub.close());
beforeEach(() => {
  hub.requests.length = 0;
});

type Fields = Partial<HuggingFaceSource>;

function source(repo: string, fields: Fields = {}, token?: string, tries = 1): Source {
  return huggingFaceSource(
    { repo, revision: 'main', endpoint: hub.url, ...fields },
    {
      get: createHttpGet(),
      token,
      patience: { tries, sleep: async () => {}, random: () => 0 },
    },
  );
}

/** Resolves, and reads the first file. */
async function read(from: Source): Promise<Buffer> {
  const { revision, files } = await from.resolve();
  const { body } = await from.open(revision, files[0]!);
  return Buffer.from(await body.arrayBuffer());
}

describe('a repository', () => {
  it('is pinned to a commit, and its files come with size and sha256', async () => {
    const found = await source(standard.gemma.repo).resolve();
    expect(found.revision).toMatch(/^[0-9a-f]{40}$/);
    expect(found.files).toMatchObject([{ path: standard.gemma.file, digest: { algorithm: 'sha256' } }]);
    expect(found.files[0]!.digest.hex).toMatch(/^[0-9a-f]{64}$/);
    const tagged = await source(standard.gemma.repo, { revision: 'v1.0' }).resolve();
    const refs = 'hub/models--longshore--gemma-3-270m-gguf/refs';
    expect(found.records).toEqual([{ path: `${refs}/main`, content: found.revision }]);
    expect(tagged).toEqual({ ...found, records: [{ path: `${refs}/v1.0`, content: found.revision }] });
  });

  it('is listed at the commit that an earlier answer pinned, and nothing is asked twice', async () => {
    const { revision } = await source(standard.gemma.repo).resolve();
    hub.requests.length = 0;
    await source(standard.gemma.repo).resolve(revision);
    expect(hub.requests.every(({ path }) => path.includes(`/tree/${revision}`))).toBe(true);
  });

  it('is known to be at a commit still by one request', async () => {
    const from = source(standard.gemma.repo);
    const { revision } = await from.resolve();
    hub.requests.length = 0;
    expect(await from.isStill?.(revision)).toBe(true);
    expect(hub.requests).toHaveLength(1);
    expect(await from.isStill?.('0'.repeat(40))).toBe(false);
  });

  it('states small files by their git blob id', async () => {
    const files = [standard.gemma.file, 'config.json'];
    const found = await source(standard.gemma.repo, { files }).resolve();
    expect(found.files[1]).toMatchObject({ path: 'config.json', digest: { algorithm: 'git-sha1' } });
  });

  it('that is missing is RepoNotFound, with and without a token', async () => {
    expect(await said(source('acme/none').resolve())).toMatch(
      /^RepoNotFound: .*acme\/none.*spec.credentials/,
    );
    expect(await said(source('acme/none', {}, testToken).resolve())).toMatch(/^RepoNotFound: .*acme\/none/);
  });

  it('that is private is there for its token only', async () => {
    expect(await said(source('acme/secret').resolve())).toMatch(/^RepoNotFound: .*private/);
    expect(await said(source('acme/secret', {}, strangerToken).resolve())).toMatch(
      /^RepoNotFound: .*this token/,
    );
    await expect(source('acme/secret', {}, testToken).resolve()).resolves.toMatchObject({
      files: [{ path: 'm.gguf' }],
    });
  });

  it('that is gated says where to ask for access', async () => {
    const page = new RegExp(`^GatedRepo: .*${hub.url}/${standard.gated.repo}`);
    expect(await said(read(source(standard.gated.repo)))).toMatch(page);
    expect(await said(read(source(standard.gated.repo, {}, strangerToken)))).toMatch(page);
    await expect(read(source(standard.gated.repo, {}, testToken))).resolves.toHaveLength(
      tinyGguf({ name: 'gated', seed: 3 }).length,
    );
  });

  it('refuses a wrong token as Unauthorized, and the message does not repeat it', async () => {
    const error = await said(source(standard.gemma.repo, {}, 'wrong-token').resolve());
    expect(error).toMatch(/^Unauthorized: .*refused the token/);
    expect(error).not.toContain('wrong-token');
  });

  it.each(['no-such-branch', 'a/../../b', 'a/..'])('has no revision %s', async (revision) => {
    expect(await said(source(standard.gemma.repo, { revision }).resolve())).toMatch(
      /^RevisionNotFound: .*spec.source.huggingFace.revision/,
    );
  });

  it('is not asked for a revision that would leave its folder on the volume', async () => {
    const asked = source(standard.gemma.repo, { revision: 'a/../../b' }).resolve('a'.repeat(40));
    expect(await said(asked)).toMatch(/^RevisionNotFound: /);
    expect(hub.requests).toEqual([]);
  });

  it('that was renamed is followed, with the token', async () => {
    await expect(read(source(renamed.formerly, {}, testToken))).resolves.toHaveLength(tinyGguf().length);
  });
});

describe('the token', () => {
  it('goes to the hub, and never to the storage it redirects to', async () => {
    await read(source(standard.gated.repo, {}, testToken));
    const [asked, stored] = ['hub', 'cdn'].map((origin) =>
      hub.requests.filter((one) => one.origin === origin),
    );
    expect(asked!.every(({ authorization }) => authorization === `Bearer ${testToken}`)).toBe(true);
    expect(stored).toMatchObject([{ status: 200 }]);
    expect(stored![0]).not.toHaveProperty('authorization');
  });

  it('may be that of a mirror, which begins as it likes', async () => {
    await expect(read(source('acme/secret', {}, mirrorToken))).resolves.toHaveLength(tinyGguf().length);
  });

  it('does not follow the listing to another origin', async () => {
    const seen: (string | undefined)[] = [];
    const foreign = await listen((request, response) => {
      seen.push(request.headers.authorization);
      response.setHeader('content-type', 'application/json').end('[]');
    });
    const hub = await listen((_request, response) => {
      response.setHeader('link', `<${foreign.url}/next>; rel="next"`).end('[]');
    });
    await said(source('a/b', { endpoint: hub.url }, testToken).resolve('a'.repeat(40)));
    foreign.close();
    hub.close();
    expect(seen).toEqual([undefined]);
  });

  it('is for the public hub of its source unless the Secret names a host', () => {
    const token = 't';
    const allowed = (endpoint: string, credentials: Credentials): string =>
      tokenFor(endpoint, credentials, publicHub);
    expect(allowed('https://huggingface.co', { token })).toBe('t');
    expect(allowed('https://hub.local:8080/x', { token, host: 'hub.local:8080' })).toBe('t');
    expect(allowed('http://hub.local:8080/x', { token, host: 'http://hub.local:8080' })).toBe('t');
    const elsewhere = /it was not sent/;
    expect(() => allowed('http://huggingface.co', { token })).toThrow(elsewhere);
    expect(() => allowed('http://hub.local:8080', { token })).toThrow(elsewhere);
    expect(() => allowed('https://hub.local:8080', { token, host: 'hub.local' })).toThrow(elsewhere);
    // In clear text only where the Secret says so.
    expect(() => allowed('http://hub.local', { token, host: 'hub.local' })).toThrow(elsewhere);
    expect(() => allowed('https://huggingface.co', { token, host: 'hub.local' })).toThrow(elsewhere);
    expect(() => tokenFor(publicHub, { token }, publicRegistry)).toThrow(elsewhere);
    expect(() => tokenFor(publicRegistry, { token }, publicHub)).toThrow(elsewhere);
    expect(tokenFor(publicRegistry, { token }, publicRegistry)).toBe('t');
    expect(() => allowed('https://huggingface.co.evil.example', { token })).toThrow(elsewhere);
  });

  it('is read from a mounted Secret', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'credentials-'));
    expect(await said(readCredentials(folder))).toMatch(/^CredentialsNotFound: .*no token/);
    await writeFile(join(folder, 'token'), 'two\nlines');
    const unusable = await said(readCredentials(folder));
    expect(unusable).toMatch(/^CredentialsNotFound: .*bare token/);
    expect(unusable).not.toContain('two');
    await writeFile(join(folder, 'token'), 'abc\n');
    await expect(readCredentials(folder)).resolves.toEqual({ token: 'abc' });
    await writeFile(join(folder, 'host'), 'Hub.Local:8080\n');
    await expect(readCredentials(folder)).resolves.toEqual({ token: 'abc', host: 'hub.local:8080' });
    await rm(folder, { recursive: true });
  });
});

describe('a hub that does not answer as it should', () => {
  it('is waited for when it asks for fewer requests, then given up', async () => {
    hub.rateLimit(1, 1);
    await expect(source(standard.gemma.repo, {}, undefined, 2).resolve()).resolves.toBeDefined();
    hub.rateLimit(1, 7);
    expect(await said(source(standard.gemma.repo).resolve())).toMatch(/^RateLimited: .*7 s/);
  });

  it('is SourceUnreachable when nothing listens', async () => {
    expect(await said(source('a/b', { endpoint: 'http://127.0.0.1:1' }).resolve())).toMatch(
      /^SourceUnreachable: .*ECONNREFUSED/,
    );
  });

  it.each([
    ['a server error', 500, 'oops'],
    ['the page of a portal', 200, '<html>'],
    ['JSON of another kind', 200, '{"sha":"../../etc"}'],
    ['a redirect to itself', 302, ''],
  ])('is SourceUnreachable when it answers with %s', async (_what, status, body) => {
    const server = await listen((_request, response) => {
      response.writeHead(status, { location: '/' }).end(body);
    });
    const asked = source('a/b', { endpoint: server.url }).resolve();
    expect(await said(asked)).toMatch(/^SourceUnreachable: .*127/);
    server.close();
  });

  it('is asked again when its storage refuses a signed address', async () => {
    hub.failCdn(403, 1);
    expect(await said(read(source(standard.gemma.repo)))).toMatch(/^SourceUnreachable: .*403/);
    await expect(read(source(standard.gemma.repo))).resolves.toBeInstanceOf(Buffer);
  });
});
