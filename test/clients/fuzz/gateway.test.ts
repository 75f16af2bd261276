import { describe, expect, it, onTestFinished } from 'vitest';
import { fuzz, type Fuzzed } from './fuzz.ts';
import { startGateway } from './gateway.ts';

/** What a server behind the gateway answers, and is asked at random itself, field by field. */
const passedOn =
  '^/(v1/(chat/completions|completions|responses|embeddings|rerank)|api/(chat|generate|embed|embeddings))$';

const count = ({ statuses }: Fuzzed, operation: string, status: number): number =>
  statuses.get(operation)?.get(status) ?? 0;

const counted = (found: Fuzzed, operation: string, expected: readonly number[]) =>
  expected.map((status) => [operation, status, count(found, operation, status) > 0]);

const all = (operation: string, expected: readonly number[]) =>
  expected.map((status) => [operation, status, true]);

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
    const statuses = new Set([...found.statuses.values()].flatMap((counts) => [...counts.keys()]));
    expect([...statuses]).toEqual(expect.arrayContaining([400, 502, 503]));
    expect(operations).toHaveLength(9);
    for (const operation of operations) {
      const expected = [200, 404];
      expect(counted(found, operation, expected)).toEqual(all(operation, expected));
    }
  });

  it('answers what it knows itself as it says that it does', async () => {
    const found = await fuzzed({ examples: 4, phases: ['coverage', 'fuzzing'], paths: { not: passedOn } });
    expect(found.problems).toBe('');
    const known: Record<string, number[]> = {
      'GET /v1/models': [200, 401],
      'GET /api/ps': [200, 401],
      'POST /api/show': [200, 400, 401, 404, 502],
      'POST /models/pull': [200, 400, 401, 415],
      'POST /models/load': [200, 400, 401],
      'POST /models/unload': [200, 400, 401, 404],
      'POST /api/pull': [200, 400, 401],
      'DELETE /api/delete': [200, 400, 401, 409],
      'GET /models/search': [200, 400, 401],
      'TRACE /healthz': [405],
    };
    for (const [operation, expected] of Object.entries(known)) {
      expect(counted(found, operation, expected)).toEqual(all(operation, expected));
    }
  });
});
