import { describe, expect, it, onTestFinished } from 'vitest';
import { fuzz, type Fuzzed } from './fuzz.ts';
import { startGateway } from './gateway.ts';

/** What a server behind the gateway answers, and is asked at random itself, field by field. */
const passedOn =
  '^/(v1/(chat/completions|completions|responses|embeddings|rerank)|api/(chat|generate|embed|embeddings))$';

const count = ({ statuses }: Fuzzed, operation: string, status: number): number =>
  statuses.get(operation)?.get(status) ?? 0;

/** Every status that came, of any operation. */
const all = ({ statuses }: Fuzzed): number[] => [
  ...new Set([...statuses.values()].flatMap((counts) => [...counts.keys()])),
];

async function fuzzed(options: Omit<Parameters<typeof fuzz>[1], 'seed' | 'key' | 'models'>): Promise<Fuzzed> {
  const { url, key, models, stop } = await startGateway();
  onTestFinished(stop);
  return await fuzz(url, { ...options, seed: 1, key, models });
}

describe('a gateway that is asked at random', { timeout: 300_000 }, () => {
  it('answers what it passes on as it says that it does', async () => {
    const found = await fuzzed({ examples: 15, phases: ['fuzzing'], paths: { only: passedOn } });
    expect(found.problems).toBe('');
    const operations = [...found.statuses.keys()];
    expect(operations).toHaveLength(9);
    for (const operation of operations) {
      expect([operation, count(found, operation, 200) > 0]).toEqual([operation, true]);
    }
    expect(all(found)).toEqual(expect.arrayContaining([400, 404, 502, 503]));
  });

  it('answers what it knows itself as it says that it does', async () => {
    const found = await fuzzed({ examples: 4, phases: ['coverage', 'fuzzing'], paths: { not: passedOn } });
    expect(found.problems).toBe('');
    const taking = [
      'POST /models/pull',
      'POST /models/load',
      'POST /models/unload',
      'POST /api/pull',
      'POST /api/show',
    ];
    for (const operation of [...taking, 'DELETE /api/delete', 'GET /models/search']) {
      for (const status of [200, 400, 401]) {
        expect([operation, status, count(found, operation, status) > 0]).toEqual([operation, status, true]);
      }
    }
    for (const operation of ['GET /v1/models', 'GET /api/tags', 'GET /api/ps', 'GET /api/models']) {
      expect([operation, count(found, operation, 200) > 0]).toEqual([operation, true]);
    }
    expect(count(found, 'TRACE /healthz', 405)).toBeGreaterThan(0);
    expect(all(found)).toEqual(expect.arrayContaining([404, 409, 415, 502]));
  });
});
