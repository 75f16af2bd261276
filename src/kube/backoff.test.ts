import { describe, expect, it } from 'vitest';
import { backoffMs, sleep, withRetries } from './backoff.ts';
import { ApiError } from './errors.ts';

const range = { baseMs: 500, capMs: 30_000 };

describe('backoffMs', () => {
  it('doubles up to the cap, less at most a half', () => {
    const longest = [1, 2, 3, 6, 7, 8, 5000].map((failures) => backoffMs(failures, range, () => 0));
    expect(longest).toEqual([500, 1000, 2000, 16_000, 30_000, 30_000, 30_000]);
    expect(backoffMs(1, range, () => 0.5)).toBe(375);
  });
});

describe('sleep', () => {
  it('rejects with the reason of its signal', async () => {
    const stop = new AbortController();
    const sleeping = sleep(60_000, stop.signal);
    stop.abort(new Error('enough'));
    await expect(sleeping).rejects.toThrow('enough');
    await expect(sleep(60_000, AbortSignal.abort(new Error('before')))).rejects.toThrow('before');
  });
});

describe('withRetries', () => {
  const answer = (status: number, retryAfterSeconds?: number) =>
    new ApiError({ status, reason: 'x', message: 'x', retryAfterSeconds });

  async function attempts(...errors: ApiError[]): Promise<{ sent: number; waits: number[]; error: unknown }> {
    const waits: number[] = [];
    let sent = 0;
    const policy = {
      retries: 3,
      longestWaitMs: 5000,
      sleep: (ms: number) => {
        waits.push(ms);
        return Promise.resolve();
      },
    };
    const send = (): Promise<void> => {
      const error = errors[sent];
      sent += 1;
      return error === undefined ? Promise.resolve() : Promise.reject(error);
    };
    const error = await withRetries(send, policy).catch((thrown: unknown) => thrown);
    return { sent, waits, error };
  }

  it('waits as long as the server says', async () => {
    expect(await attempts(answer(429, 2), answer(503, 1))).toEqual({
      sent: 3,
      waits: [2000, 1000],
      error: undefined,
    });
    expect((await attempts(answer(429))).waits).toEqual([1000]);
  });

  it('gives up after three retries', async () => {
    const four = [answer(429, 1), answer(429, 1), answer(429, 1), answer(429, 1)];
    expect(await attempts(...four)).toMatchObject({ sent: 4, error: { status: 429 } });
  });

  it('repeats nothing that may have been carried out, and waits for nothing too long', async () => {
    for (const error of [answer(500), answer(503), answer(504, 1), answer(0), answer(409), answer(429, 6)]) {
      expect(await attempts(error)).toEqual({ sent: 1, waits: [], error });
    }
  });
});
