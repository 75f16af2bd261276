import { sample } from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Runtime } from '../../src/runtime-image/testing/runtime.ts';
import { gemma } from '../hub/model.ts';
import { playCrowd } from './crowd.ts';
import { visits } from './visits.ts';

const parallel = 4;
const clients = 64;

/** Milliseconds: two cores may be busy with other tests. */
const patient = { timeout: 60_000 };

describe('a runtime that many ask at once', { timeout: 300_000 }, () => {
  let runtime: Runtime;

  beforeAll(async () => {
    runtime = await Runtime.start((await gemma()).path, {}, { contextSize: 256, parallel });
    await runtime.loaded();
  }, 300_000);

  afterAll(async () => {
    runtime.child.kill('SIGKILL');
    await runtime.exited;
  });

  it(`ends the streams of ${clients} clients, a third of whom go away, and loses no sequence`, async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const planned = sample(visits(4), { numRuns: clients, seed });
    const tally = await playCrowd(runtime.url, clients, () => planned.pop());
    expect(tally.broken, `seed ${seed}`).toEqual([]);
    expect(tally.finished + tally.left).toBe(clients);
    await expect.poll(() => runtime.metric('num_requests_running'), patient).toBe(0);
    expect(await runtime.metric('num_requests_waiting')).toBe(0);
    // As many as there are sequences: one that was lost would be missed, one in a wrong state would say something else.
    const counting = { prompt: '1, 2, 3, 4,', temperature: 0, max_tokens: 6 };
    const after = await Promise.all(Array.from({ length: parallel }, () => runtime.complete(counting)));
    expect(after.map(({ choices }) => choices[0]?.text)).toEqual(Array(parallel).fill(' 5, 6,'));
  });

  it('begins an answer while others go on', async () => {
    // What a sequence holds it has to forget first: none of it is in the prompts to come.
    const other = (_: unknown, i: number) => runtime.complete({ prompt: `${i} is`, max_tokens: 1 });
    await Promise.all(Array.from({ length: parallel }, other));
    const gone = new AbortController();
    const long = { prompt: '1, 2, 3, 4,', temperature: 0, max_tokens: 230, stream: true };
    const begun = Array.from({ length: parallel - 1 }, async () => {
      const { body } = await runtime.post('/v1/completions', long, gone.signal);
      await body?.getReader().read();
    });
    await Promise.all(begun);
    await runtime.complete({ prompt: 'Once upon a time', max_tokens: 2 });
    expect(await runtime.metric('num_requests_running')).toBe(parallel - 1);
    gone.abort();
    await expect.poll(() => runtime.metric('num_requests_running'), patient).toBe(0);
  });
});
