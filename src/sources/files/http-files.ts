import { createHash } from 'node:crypto';
import type { HttpSource } from '../../api/source.ts';
import { pieceInName } from '../../gguf/quantization.ts';
import { ask, commonRefusal, rangeHeaders, type SourceOptions } from '../ask.ts';
import { authorizationOf, forAnotherHost, type Login } from '../credentials.ts';
import { nameOfFiles, pathOfFile, withoutQuery } from './file-urls.ts';
import { header, type HttpAnswer, type HttpRequest } from '../http/http.ts';
import { listed } from '../names.ts';
import { isSafePath } from '../repo-path.ts';
import { retrying } from '../http/retry.ts';
import { isGguf } from '../select-files.ts';
import { SourceError, type Source, type SourceFile } from '../source.ts';

export interface HttpSourceOptions extends Omit<SourceOptions, 'token'> {
  /** Who asks, and the only origin that is told: there is no public one. */
  readonly login?: { readonly origin: string | undefined; readonly login: Login } | undefined;
}

const field = 'spec.source.http.files';

/** Files that a list names by URL and sha256. Nothing has to be pinned: the list says what each file is. */
export function httpSource(spec: HttpSource, { get, login, patience, signal }: HttpSourceOptions): Source {
  const urls = new Map(spec.files.map((file) => [pathOfFile(file), file.url]));

  async function askFor(url: string, request: HttpRequest): Promise<HttpAnswer> {
    const { origin } = new URL(url);
    const authorization = login?.origin === origin ? authorizationOf(login.login) : undefined;
    const answer = await ask({ url: origin, get, authorization }, url, request);
    if (answer.status < 400) return answer;
    await answer.body.dump();
    throw refusal(answer, url, authorization !== undefined);
  }

  /** By a request for the first byte: a URL that is signed for GET refuses HEAD. */
  function sizeOf(url: string): Promise<number> {
    return retrying(async () => {
      const request = { headers: rangeHeaders({ start: 0, end: 0 }), signal };
      const answer = await askFor(url, request);
      answer.body.destroy();
      return statedSize(answer, url);
    }, patience);
  }

  return {
    name: nameOfFiles(spec),
    async resolve() {
      const paths = spec.files.map(pathOfFile);
      checkPaths(spec, paths);
      const origins = spec.files.map(({ url }) => new URL(url).origin);
      if (login !== undefined && !origins.some((origin) => origin === login.origin)) {
        throw forAnotherHost(origins[0]!, login.origin);
      }
      const files = await Promise.all(
        spec.files.map(async ({ url, sha256 }, order): Promise<SourceFile> => ({
          path: paths[order]!,
          sizeBytes: await sizeOf(url),
          digest: { algorithm: 'sha256', hex: sha256 },
        })),
      );
      const lines = files.map(({ path, digest }) => `${digest.hex}  ${path}\n`).join('');
      const hex = createHash('sha256').update(lines).digest('hex');
      return { revision: `sha256:${hex}`, files, folder: `http/${hex}`, records: [] };
    },
    open(_revision, { path }, range, signal) {
      return askFor(urls.get(path)!, { headers: rangeHeaders(range), signal });
    },
  };
}

/**
 * @throws SourceError FileNotFound for a name that no volume can have and for pieces that lack, AmbiguousFiles for two
 *   files of one name, NoModelFile.
 */
function checkPaths({ files }: HttpSource, paths: readonly string[]): void {
  for (const [order, path] of paths.entries()) {
    if (isSafePath(path)) continue;
    throw new SourceError(
      'FileNotFound',
      `${withoutQuery(files[order]!.url)} ends with no name that a file can have. Give it a path in ${field}.`,
    );
  }
  const twice = paths.find((path, order) => paths.indexOf(path) !== order);
  if (twice !== undefined) {
    throw new SourceError(
      'AmbiguousFiles',
      `${field} names two files ${twice}. Give one of them another path.`,
    );
  }
  if (!paths.some(isGguf)) {
    throw new SourceError(
      'NoModelFile',
      `${field} names no GGUF file: ${listed(paths)}. Add the one to load, or give it a path that ends with .gguf.`,
    );
  }
  const missing = paths.flatMap((path) => {
    const piece = pieceInName(path);
    return piece === undefined ? [] : Array.from({ length: piece.of }, (_, i) => piece.sibling(i + 1));
  });
  const lacking = [...new Set(missing)].filter((path) => !paths.includes(path));
  if (lacking.length === 0) return;
  throw new SourceError(
    'FileNotFound',
    `${field} names a piece of a split model, and lacks ${listed(lacking)}. Add all pieces.`,
  );
}

/** @throws SourceError SizeUnknown, or SourceUnreachable for a page to log in at. */
function statedSize({ status, headers, origin }: HttpAnswer, url: string): number {
  const what = withoutQuery(url);
  const isPage = /^text\/html\b/i.test(header(headers, 'content-type') ?? '');
  if (isPage && !/\.x?html?$/i.test(new URL(url).pathname)) {
    throw new SourceError(
      'SourceUnreachable',
      `${origin} answered with a web page instead of ${what}. A proxy, or a page to log in at, may stand between.`,
    );
  }
  const encoding = header(headers, 'content-encoding') ?? 'identity';
  const stated =
    status === 206
      ? /^bytes \d+-\d+\/(\d{1,15})$/.exec(header(headers, 'content-range') ?? '')?.[1]
      : /^\d{1,15}$/.exec(header(headers, 'content-length') ?? '')?.[0];
  if (stated !== undefined && encoding === 'identity') return Number(stated);
  throw new SourceError(
    'SizeUnknown',
    `${origin} does not say how many bytes ${what} has, and a volume is made and checked for them. Serve it with a Content-Length, or from a server that answers requests for ranges.`,
  );
}

function refusal(answer: HttpAnswer, url: string, withLogin: boolean): SourceError {
  const { status } = answer;
  const { origin, search } = new URL(url);
  const what = withoutQuery(url);
  const common = commonRefusal(answer, origin, what, '');
  if (common !== undefined) return common;
  if (status === 401 || status === 403) {
    const who = withLogin
      ? 'to the credentials that spec.credentials names'
      : 'to a request without credentials';
    const remedy =
      search === ''
        ? `Name a Secret in spec.credentials that may read it, with the key "host" for ${origin}.`
        : `If its URL is signed, that may have run out: sign it anew in ${field}.`;
    return new SourceError('Unauthorized', `${origin} refused ${what} ${who} (${status}). ${remedy}`, {
      status,
    });
  }
  if (status === 404 || status === 410) {
    return new SourceError('FileNotFound', `${origin} has no ${what} (${status}). Check ${field}.`, {
      status,
    });
  }
  if (status === 416 && header(answer.headers, 'content-range') === 'bytes */0') {
    return new SourceError('NotGGUF', `${what} is empty. Check ${field}.`, { status });
  }
  return new SourceError('PullerFailed', `${origin} answered ${status} for ${what}.`, { status });
}
