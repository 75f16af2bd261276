import { createHash } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import type { HttpSource } from '../../api/source.ts';
import { createHttpGet } from '../http/http.ts';
import { httpSource, type HttpSourceOptions } from './http-files.ts';
import type { Source } from '../source.ts';
import { said } from '../testing/said.ts';
import { listen } from '../testing/server.ts';

const sha256 = (content: string) => createHash('sha256').update(content).digest('hex');
const [one, two] = [sha256('one'), sha256('two')];
const closing: (() => void)[] = [];

afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function serving(answer: RequestListener): Promise<string> {
  const { url, close } = await listen(answer);
  closing.push(close);
  return url;
}

function source(files: HttpSource['files'], login?: HttpSourceOptions['login']): Source {
  const patience = { tries: 1, sleep: async () => {}, random: () => 0 };
  return httpSource({ files }, { get: createHttpGet(), patience, login });
}

const ranged: RequestListener = (_request, response) => {
  response.writeHead(206, { 'content-range': 'bytes 0-0/700' }).end('G');
};

describe('files by URL', () => {
  it('have the size that the server states, also where it knows no ranges', async () => {
    const url = await serving(ranged);
    const whole = await serving((_request, response) =>
      response.writeHead(200, { 'content-length': 5 }).end('whole'),
    );
    const { files, folder, records, revision } = await source([
      { url: `${url}/a/m%20x.gguf?Signature=s3cret`, sha256: one },
      { url: `${whole}/README.md`, sha256: two, path: 'docs/README.md' },
    ]).resolve();
    expect(files).toEqual([
      { path: 'm x.gguf', sizeBytes: 700, digest: { algorithm: 'sha256', hex: one } },
      { path: 'docs/README.md', sizeBytes: 5, digest: { algorithm: 'sha256', hex: two } },
    ]);
    const hex = sha256(`${one}  m x.gguf\n${two}  docs/README.md\n`);
    expect({ folder, records, revision }).toEqual({
      folder: `http/${hex}`,
      records: [],
      revision: `sha256:${hex}`,
    });
  });

  it('are another revision when one is another file, has another name or another place in the list', async () => {
    const url = await serving(ranged);
    const a = { url: `${url}/a.gguf`, sha256: one };
    const b = { url: `${url}/b.gguf`, sha256: two };
    const lists = [
      [a, b],
      [b, a],
      [{ ...a, sha256: two }, b],
      [{ ...a, path: 'c.gguf' }, b],
    ];
    const revisions = await Promise.all(lists.map(async (list) => (await source(list).resolve()).revision));
    expect(new Set(revisions).size).toBe(4);
    const moved = await source([{ ...a, url: `${url}/elsewhere/a.gguf?x=1` }, b]).resolve();
    expect(moved.revision).toBe(revisions[0]);
  });

  it.each<[what: string, files: (url: string) => HttpSource['files'], message: RegExp]>([
    [
      'two of one name',
      (url) => [
        { url: `${url}/a/m.gguf`, sha256: one },
        { url: `${url}/b/m.gguf`, sha256: two },
      ],
      /^AmbiguousFiles: .*names two files m\.gguf/,
    ],
    [
      'a folder',
      (url) => [{ url: `${url}/a/?x=s3cret`, sha256: one }],
      /^FileNotFound: .*\/a\/ ends with no name/,
    ],
    ['a hidden name', (url) => [{ url: `${url}/.m.gguf`, sha256: one }], /^FileNotFound: .*no name/],
    ['a name that climbs', (url) => [{ url: `${url}/a%2F..%2F..%2Fm.gguf`, sha256: one }], /^FileNotFound: /],
    ['no GGUF file', (url) => [{ url: `${url}/m.bin`, sha256: one }], /^NoModelFile: .*m\.bin/],
    [
      'one piece of two',
      (url) => [{ url: `${url}/m-00001-of-00002.gguf`, sha256: one }],
      /^FileNotFound: .*lacks m-00002-of-00002\.gguf/,
    ],
  ])('%s are refused', async (_what, files, message) => {
    const refused = await said(source(files(await serving(ranged))).resolve());
    expect(refused).toMatch(message);
    expect(refused).not.toContain('s3cret');
  });

  it.each<[what: string, answer: RequestListener, message: RegExp]>([
    [
      'states no size',
      (_request, response) => void response.writeHead(200).write('G'),
      /^SizeUnknown: .*does not say how many bytes .*\/m\.gguf has/,
    ],
    [
      'states no size of a part',
      (_request, response) => response.writeHead(206, { 'content-range': 'bytes 0-0/*' }).end('G'),
      /^SizeUnknown: /,
    ],
    [
      'states the size of something packed',
      (_request, response) =>
        response.writeHead(200, { 'content-length': 1, 'content-encoding': 'gzip' }).end('G'),
      /^SizeUnknown: /,
    ],
    [
      'wants a login',
      (_request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>'),
      /^SourceUnreachable: .*web page instead of .*\/m\.gguf/,
    ],
    [
      'has nothing',
      (_request, response) => response.writeHead(416, { 'content-range': 'bytes */0' }).end(),
      /^NotGGUF: .*is empty/,
    ],
    ['has lost it', (_request, response) => response.writeHead(404).end(), /^FileNotFound: .*\(404\)/],
    [
      'does not take the signature any more',
      (_request, response) => response.writeHead(403).end('s3cret'),
      /^Unauthorized: .*\(403\)\. If its URL is signed/,
    ],
    ['breaks', (_request, response) => response.writeHead(503).end(), /^SourceUnreachable: .*503/],
    [
      'is busy',
      (_request, response) => response.writeHead(429, { 'retry-after': '9' }).end(),
      /^RateLimited: .*9 s/,
    ],
    ['is a teapot', (_request, response) => response.writeHead(418).end(), /^PullerFailed: .*418/],
  ])('of a server that %s are refused, and the query is not told', async (_what, answer, message) => {
    const url = await serving(answer);
    const from = source([{ url: `${url}/m.gguf?Signature=s3cret`, sha256: one }]);
    const refused = await said(from.resolve());
    expect(refused).toMatch(message);
    expect(`${refused} ${from.name}`).not.toContain('s3cret');
  });

  it('of a server that does not listen are SourceUnreachable', async () => {
    const refused = await said(source([{ url: 'http://127.0.0.1:1/m.gguf?s3cret', sha256: one }]).resolve());
    expect(refused).toMatch(/^SourceUnreachable: http:\/\/127\.0\.0\.1:1 did not answer: .*ECONNREFUSED/);
    expect(refused).not.toContain('s3cret');
  });

  it('are opened where they are, in parts', async () => {
    const asked: (string | undefined)[] = [];
    const url = await serving((request, response) => {
      asked.push(`${request.url} ${request.headers.range}`);
      ranged(request, response);
    });
    const from = source([{ url: `${url}/x?id=1`, sha256: one, path: 'm.gguf' }]);
    const { files, revision } = await from.resolve();
    await (await from.open(revision, files[0]!, { start: 3, end: 9 })).body.dump();
    expect(asked).toEqual(['/x?id=1 bytes=0-0', '/x?id=1 bytes=3-9']);
  });
});

describe('the credentials', () => {
  const login = { kind: 'password', username: 'ada', password: 'pass word' } as const;
  const basic = `Basic ${Buffer.from('ada:pass word').toString('base64')}`;

  it('go to the host that the Secret names, and to no other, neither of the list nor by a redirect', async () => {
    const seen: string[] = [];
    const answering = (name: string, then: RequestListener): Promise<string> =>
      serving((request, response) => {
        seen.push(`${name} ${request.headers.authorization}`);
        then(request, response);
      });
    const store = await answering('store', ranged);
    const home = await answering('home', (_request, response) =>
      response.writeHead(302, { location: `${store}/m.gguf` }).end(),
    );
    const stranger = await answering('stranger', ranged);
    const files = [
      { url: `${home}/m.gguf`, sha256: one },
      { url: `${stranger}/LICENSE`, sha256: two },
    ];
    await source(files, { origin: home, login }).resolve();
    expect(seen.sort()).toEqual([`home ${basic}`, 'store undefined', 'stranger undefined']);
  });

  it('that are for none of the hosts are not sent, and there is no public one', async () => {
    const asked: unknown[] = [];
    const url = await serving((request) => asked.push(request.url));
    const files = [{ url: `${url}/m.gguf`, sha256: one }];
    expect(await said(source(files, { origin: 'https://other.example', login }).resolve())).toMatch(
      /^CredentialsForAnotherHost: The token is for https:\/\/other\.example, and the endpoint is http:\/\/127/,
    );
    expect(await said(source(files, { origin: undefined, login }).resolve())).toMatch(
      /^CredentialsForAnotherHost: The Secret names no host .* set the Secret's key "host" to http:\/\/127/,
    );
    expect(asked).toEqual([]);
  });

  it('that are refused are said to be it', async () => {
    const url = await serving((_request, response) => response.writeHead(401).end());
    const files = [{ url: `${url}/m.gguf`, sha256: one }];
    expect(await said(source(files, { origin: url, login }).resolve())).toMatch(
      /^Unauthorized: .* to the credentials that spec\.credentials names \(401\)\. Name a Secret/,
    );
    expect(await said(source(files).resolve())).toMatch(/^Unauthorized: .*without credentials \(401\)/);
  });
});
