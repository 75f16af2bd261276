import { describe, expect, it } from 'vitest';
import { aModel, commit, meta, now, secondsAgo } from '../../testing/objects.ts';
import { isAnsweredNow, isAskedFor, questionOf, secondsToNextCheck } from './question.ts';
import { inspectRequest } from '../view.ts';

const asking = (value?: string, spec: object = {}) => ({
  ...aModel(spec),
  metadata: meta('qwen', value === undefined ? {} : { annotations: { 'longshore.dev/requested-at': value } }),
});
const request = inspectRequest(asking());
const resolved = { source: '', request, revision: commit, sizeBytes: 1, size: '1B', fileCount: 1 };
const answeredAt = (seconds: number) => ({ ...resolved, checkedAt: secondsAgo(seconds) });

describe('the question', () => {
  it('is that of the spec until it is answered, and another one after every answer', () => {
    expect(questionOf(asking(), undefined)).toBe(request);
    expect(questionOf(asking(), { ...resolved, request: 'other', checkedAt: secondsAgo(1) })).toBe(request);
    const questions = [60, 30].map((seconds) => questionOf(asking(), answeredAt(seconds)));
    expect(new Set([request, ...questions]).size).toBe(3);
  });

  it('is another for every value of the annotation, before and after an answer', () => {
    const before = [undefined, 'a', 'b'].map((value) => questionOf(asking(value), undefined));
    const after = [undefined, 'a', 'b'].map((value) => questionOf(asking(value), answeredAt(60)));
    expect(new Set([...before, ...after]).size).toBe(6);
  });
});

describe('a request by annotation', () => {
  it('is open until this very value was answered', () => {
    expect(isAskedFor(asking(), {})).toBe(false);
    expect(isAskedFor(asking('a'), {})).toBe(true);
    expect(isAskedFor(asking('b'), { lastHandledRequest: 'a' })).toBe(true);
    expect(isAskedFor(asking('a'), { lastHandledRequest: 'a' })).toBe(false);
  });

  it('is looked at as far as the status can hold it', () => {
    expect(isAskedFor(asking('a'.repeat(300)), { lastHandledRequest: 'a'.repeat(256) })).toBe(false);
  });

  it('is answered now only until that is written', () => {
    const told = { lastHandledRequest: 'a' };
    expect(isAnsweredNow(asking('a'), told)).toBe(true);
    expect(isAnsweredNow(asking('a'), {})).toBe(false);
    expect(isAnsweredNow({ ...asking('a'), status: told }, told)).toBe(false);
  });
});

describe('secondsToNextCheck', () => {
  const following = (interval = '1h', uid = 'one') => ({
    ...aModel({ update: { policy: 'OnChange', interval } }),
    metadata: meta('qwen', { uid }),
  });

  it('is never for a Model that is not to follow its source, or whose source cannot move', () => {
    expect(secondsToNextCheck(aModel(), { checkedAt: secondsAgo(9e6) }, now)).toBeUndefined();
    const pinned = aModel({
      source: { huggingFace: { repo: 'owner/name', revision: commit } },
      update: { policy: 'OnChange' },
    });
    expect(secondsToNextCheck(pinned, { checkedAt: secondsAgo(9e6) }, now)).toBeUndefined();
  });

  it('is an interval after the last answer, and at once when that is over or was never', () => {
    const left = secondsToNextCheck(following(), { checkedAt: secondsAgo(600) }, now);
    expect(left).toBeGreaterThanOrEqual(3240 - 600);
    expect(left).toBeLessThanOrEqual(3960 - 600);
    expect(secondsToNextCheck(following(), { checkedAt: secondsAgo(3961) }, now)).toBe(0);
    expect(secondsToNextCheck(following(), {}, now)).toBe(0);
  });

  it('is a day at most: what is looked at then is asked when its time has come', () => {
    expect(secondsToNextCheck(following('500h'), { checkedAt: secondsAgo(0) }, now)).toBe(86_400);
  });

  it('is the same whenever it is computed, and spread over a fifth of the interval for a thousand Models', () => {
    const checkedAt = secondsAgo(0);
    const waits = Array.from({ length: 1000 }, (_, i) =>
      secondsToNextCheck(following('1h', `uid-${i}`), { checkedAt }, now),
    ).map(Number);
    expect(secondsToNextCheck(following('1h', 'uid-0'), { checkedAt }, now)).toBe(waits[0]);
    const tenths = Array.from({ length: 10 }, (_, i) => {
      const from = 3240 + i * 72;
      return waits.filter((wait) => wait >= from && wait < from + 72).length;
    });
    expect(Math.min(...tenths)).toBeGreaterThan(60);
    expect(Math.max(...tenths)).toBeLessThan(140);
  });
});
