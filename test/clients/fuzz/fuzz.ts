/** Schemathesis as a process: it asks a server at random, by what the server says of itself at /openapi.json. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { pinnedPackages } from '../../hub/python/pip.ts';

const folder = import.meta.dirname;

export interface FuzzOptions {
  /** Requests per operation, beside those that go through each field and each limit. */
  examples: number;
  /** The same seed asks the same. */
  seed: number;
  /** coverage: each field, each limit and each other method, one by one. fuzzing: all of it together, at random. */
  phases: readonly ('coverage' | 'fuzzing')[];
  /** The most tokens of an answer, and answers to a request. */
  most?: number;
  /** A key of the server; absent: it has none. */
  key?: string;
  /** Patterns of the paths that are asked, and of those that are not; absent: all are. */
  paths?: { only?: string; not?: string };
  /** Put in the place of most names of models that are made up; absent: none is. */
  models?: readonly string[];
}

export interface Fuzzed {
  requests: number;
  /** How often each status came, by operation: `POST /v1/completions`. */
  statuses: ReadonlyMap<string, ReadonlyMap<number, number>>;
  /** Empty where nothing was found; otherwise what Schemathesis says, with a command for curl for each. */
  problems: string;
  seconds: number;
}

const Report = z.object({
  complete: z.boolean(),
  running_time: z.number(),
  operations: z.object({ selected: z.int(), tested: z.int() }),
  test_cases: z.object({ generated: z.int() }),
});

/**
 * Of every answer it looks whether status, content type and shape are those of the document, whether what the document
 * forbids is refused, other methods and requests without a key too, and that nothing fails with 500.
 */
export async function fuzz(url: string, options: FuzzOptions): Promise<Fuzzed> {
  const reports = await mkdtemp(join(tmpdir(), 'longshore-fuzz-'));
  try {
    const [json, har] = [join(reports, 'report.json'), join(reports, 'requests.har')];
    const settings = {
      '--phases': options.phases.join(','),
      '--max-examples': String(options.examples),
      '--seed': String(options.seed),
      '--report': 'json,har',
      '--report-json-path': json,
      '--report-har-path': har,
    };
    const args: string[] = [
      'run',
      `${url}/openapi.json`,
      '--continue-on-failure',
      ...Object.entries(settings).flat(),
    ];
    const { only, not } = options.paths ?? {};
    if (only !== undefined) args.push('--include-path-regex', only);
    if (not !== undefined) args.push('--exclude-path-regex', not);
    const { failed, output } = await schemathesis(options, reports, args);
    const written = await readFile(json, 'utf8').catch((cause: unknown) => {
      throw new Error(`Schemathesis did not run:\n${output}`, { cause });
    });
    const report = Report.parse(JSON.parse(written));
    const { selected, tested } = report.operations;
    const isWhole = !failed && report.complete && tested === selected;
    return {
      requests: report.test_cases.generated,
      statuses: statusesOf(await readFile(har, 'utf8')),
      problems: isWhole ? '' : output,
      seconds: report.running_time,
    };
  } finally {
    await rm(reports, { recursive: true, force: true });
  }
}

/** @param cwd where it keeps what it has found */
async function schemathesis(
  { most = 4, key = '', models = [] }: FuzzOptions,
  cwd: string,
  args: readonly string[],
) {
  const environment = {
    PYTHONPATH: [await pinnedPackages('fuzz', join(folder, 'requirements.txt')), folder].join(':'),
    PYTHONDONTWRITEBYTECODE: '1',
    LONGSHORE_FUZZ_MOST: String(most),
    LONGSHORE_FUZZ_KEY: key,
    LONGSHORE_FUZZ_MODELS: models.join(' '),
    NO_PROXY: '*',
    no_proxy: '*',
    COLUMNS: '200',
  };
  const config = ['--no-color', '--config-file', join(folder, 'schemathesis.toml')];
  return await new Promise<{ failed: boolean; output: string }>((resolve) => {
    execFile(
      'python3',
      ['-m', 'schemathesis.cli', ...config, ...args],
      { cwd, env: { ...process.env, ...environment }, maxBuffer: 64 << 20 },
      (error, stdout, stderr) => resolve({ failed: error !== null, output: `${stdout}${stderr}` }),
    );
  });
}

const Har = z.object({
  log: z.object({
    entries: z.array(
      z.object({
        request: z.object({ method: z.string(), url: z.string() }),
        response: z.object({ status: z.int() }),
      }),
    ),
  }),
});

/** Paths with a part that is random are counted as one. */
function statusesOf(har: string): Map<string, Map<number, number>> {
  const statuses = new Map<string, Map<number, number>>();
  for (const { request, response } of Har.parse(JSON.parse(har)).log.entries) {
    const path = new URL(request.url).pathname.replace(/^(\/v1\/models|\/api\/blobs)\/.*/, '$1/*');
    const operation = `${request.method} ${path}`;
    const counts = statuses.get(operation) ?? new Map<number, number>();
    counts.set(response.status, (counts.get(response.status) ?? 0) + 1);
    statuses.set(operation, counts);
  }
  return statuses;
}
