import { listFiles, modelInfo } from '@huggingface/hub';
import { z } from 'zod';
import type { HuggingFaceSource } from '../../api/source.ts';
import { ask, rangeHeaders, readBody, withoutSlash, type SourceOptions } from '../ask.ts';
import { hubError, type HubQuestion } from './hub-errors.ts';
import { networkProblem, type HttpAnswer, type HttpRequest } from '../http/http.ts';
import { withQuantizedRepos } from './quantized-repos.ts';
import { encodePath, isSafePath } from '../repo-path.ts';
import { retrying, type Patience } from '../http/retry.ts';
import { isGguf, isProjector, selectFiles } from '../select-files.ts';
import { SourceError, type Source, type SourceFile } from '../source.ts';

const CommitId = z.string().regex(/^[0-9a-f]{40,64}$/);

/** What the hub says about one file; `lfs.oid` is the sha256 of its content, `oid` git's id of the blob. */
const TreeFile = z.object({
  path: z.string(),
  size: z.int().nonnegative(),
  oid: z.string().regex(/^[0-9a-f]{40}$/),
  lfs: z.object({ oid: z.string().regex(/^[0-9a-f]{64}$/), size: z.int().nonnegative() }).optional(),
});

/** A page of a listing has some 300 kB. */
const mostAnswerBytes = 16 << 20;
/** What is listed of a repository at most: a hub could go on for ever. */
const mostPages = 2_000;
const mostEntries = 200_000;

/**
 * Files of a repository on a Hugging Face hub. The library is used for metadata; the token is put on here, because the
 * library refuses every token that does not start with `hf_`, and mirrors have their own.
 */
export function huggingFaceSource(
  spec: HuggingFaceSource,
  { get, token, patience, signal }: SourceOptions,
): Source {
  const { repo, revision: ref } = spec;
  const endpoint = withoutSlash(spec.endpoint);
  const question = (revision: string): HubQuestion => ({
    endpoint,
    repo,
    revision,
    withToken: token !== undefined,
  });

  async function askFor(url: string, about: HubQuestion, request: HttpRequest): Promise<HttpAnswer> {
    const answer = await ask({ url: endpoint, get, token }, url, request);
    if (answer.status < 400) return answer;
    await answer.body.dump();
    throw hubError(answer, about);
  }

  /** The library's `fetch`: refusals leave as SourceErrors, because its own errors drop `X-Error-Code`. */
  function fetchFor(about: HubQuestion, how: Patience = patience): typeof fetch {
    return async (input, init) => {
      const url = input instanceof Request ? input.url : input.toString();
      const headers = Object.fromEntries(new Headers(init?.headers));
      return retrying(async () => {
        const answer = await askFor(url, about, { headers, signal });
        const body = await readBody(endpoint, answer, mostAnswerBytes, signal);
        return new Response(new Uint8Array(body), { status: answer.status, headers: headerPairs(answer) });
      }, how);
    };
  }

  async function pin(): Promise<string> {
    const found = await modelInfo({
      name: repo,
      revision: ref,
      additionalFields: ['sha'],
      hubUrl: endpoint,
      fetch: fetchFor(question(ref)),
    }).catch((error: unknown) => Promise.reject(notAHub(error)));
    return parsed(CommitId, found.sha);
  }

  /** An answer that is not what the hub's API promises, e.g. the page of a captive portal. */
  function notAHub(error: unknown): unknown {
    if (error instanceof SourceError || signal?.aborted) return error;
    return new SourceError(
      'SourceUnreachable',
      `${endpoint} does not answer as a Hugging Face hub does for ${repo}: ${networkProblem(error)}. Check spec.source.huggingFace.endpoint.`,
      { cause: error },
    );
  }

  function parsed<T>(schema: z.ZodType<T>, value: unknown): T {
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    throw notAHub(new Error(z.prettifyError(result.error)));
  }

  async function list(revision: string): Promise<SourceFile[]> {
    const files: SourceFile[] = [];
    const fetchPage = fetchFor(question(revision));
    let pages = 0;
    let listed = 0;
    const entries = listFiles({
      repo,
      revision,
      recursive: true,
      hubUrl: endpoint,
      fetch: (input, init) => {
        if (++pages > mostPages) throw new Error(`its listing goes on after ${mostPages} pages`);
        return fetchPage(input, init);
      },
    });
    try {
      for await (const entry of entries) {
        if (++listed > mostEntries) throw new Error(`its listing goes on after ${mostEntries} entries`);
        if (entry.type === 'file') files.push(sourceFile(parsed(TreeFile, entry)));
      }
    } catch (error) {
      throw notAHub(error);
    }
    return files;
  }

  async function choose(all: readonly SourceFile[], revision: string): Promise<SourceFile[]> {
    try {
      return selectFiles(all, spec, `${repo}@${ref}`);
    } catch (error) {
      const hasModel = all.some(({ path }) => isGguf(path) && !isProjector(path));
      if (hasModel || !(error instanceof SourceError && error.reason === 'NoModelFile')) throw error;
      const once = fetchFor(question(revision), { ...patience, tries: 1 });
      throw await withQuantizedRepos(error, { repo, endpoint, fetch: once, signal });
    }
  }

  return {
    name: `hf:${repo}@${ref}`,
    async resolve(pinned) {
      if (!isSafePath(ref)) throw hubError(noSuchRevision(endpoint), question(ref));
      const revision = pinned === undefined ? await pin() : parsed(CommitId, pinned);
      const all = await list(revision);
      const repoFolder = `hub/models--${repo.replace('/', '--')}`;
      return {
        revision,
        files: await choose(all, revision),
        hasProjector: all.some(({ path }) => isProjector(path)),
        folder: `${repoFolder}/snapshots/${revision}`,
        records: ref === revision ? [] : [{ path: `${repoFolder}/refs/${ref}`, content: revision }],
      };
    },
    isStill: async (revision) => (await pin()) === revision,
    async open(revision, file, range, signal) {
      const url = `${endpoint}/${repo}/resolve/${revision}/${encodePath(file.path)}`;
      return askFor(
        url,
        { ...question(revision), path: file.path, sizeBytes: file.sizeBytes },
        { headers: rangeHeaders(range), signal },
      );
    },
  };
}

function headerPairs({ headers }: HttpAnswer): [string, string][] {
  return Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map((one): [string, string] => [name, one]),
  );
}

function sourceFile({ path, size, oid, lfs }: z.infer<typeof TreeFile>): SourceFile {
  return lfs === undefined
    ? { path, sizeBytes: size, digest: { algorithm: 'git-sha1', hex: oid } }
    : { path, sizeBytes: lfs.size, digest: { algorithm: 'sha256', hex: lfs.oid } };
}

/** What the hub would say, for a revision that git does not allow and a volume must not see. */
function noSuchRevision(endpoint: string) {
  return { status: 404, headers: { 'x-error-code': 'RevisionNotFound' }, origin: new URL(endpoint).origin };
}
