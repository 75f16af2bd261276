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

describe(
  `a runtime that ${clients} clients ask at once, a third of whom go away`,
  { timeout: 300_000 },
  () => {
    let runtime: Runtime;

    beforeAll(async () => {
      runtime = await Runtime.start((await gemma()).path, {}, { contextSize: 256, parallel });
      await runtime.loaded();
    }, 300_000);

    afterAll(async () => {
      runtime.child.kill('SIGKILL');
      await runtime.exited;
    });

    it('ends every stream as its API has it, and has all its sequences afterwards', async () => {
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
  },
);
