import { describe, expect, it } from 'vitest';
import type { Sampling } from './engine.ts';
import { samplingOptions } from './sampling.ts';

const sampling: Sampling = {
  temperature: 1,
  topP: 1,
  topK: 0,
  minP: 0,
  presencePenalty: 0,
  frequencyPenalty: 0,
};
const text = { prompt: [], generated: [], contextSize: 32, limit: 8 };

describe('samplingOptions', () => {
  it('leaves top_k out where it is off: node-llama-cpp would sort the vocabulary for 0, and take 40 for nothing', () => {
    expect(samplingOptions(sampling, text).topK).toBeNull();
    expect(samplingOptions({ ...sampling, topK: 7 }, text).topK).toBe(7);
  });

  it.each([
    [undefined, 64, 100],
    [8, 8, 100],
    [-1, 100, 100],
    [2 ** 31 - 1, 100, 100],
  ])(
    'penalizes repeats in the last %s tokens, and never in more than there can be',
    (asked, last, contextSize) => {
      const penalized = {
        ...sampling,
        repeatPenalty: 1.1,
        ...(asked !== undefined && { repeatLastTokens: asked }),
      };
      const { repeatPenalty } = samplingOptions(penalized, { ...text, contextSize });
      expect(repeatPenalty).toMatchObject({ penalty: 1.1, maxPunishTokens: last });
    },
  );
});
