import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Progress } from '../../../api/model-status.ts';
import { downloading } from '../../testing/objects.ts';
import { progressOf } from './progress.ts';

const total = 1_000_000_000;
const at = (downloadedBytes: number, before?: Progress) =>
  progressOf(downloading(downloadedBytes, total), total, before);

describe('progressOf', () => {
  it('says figures as numbers and as text', () => {
    const said = downloading(423_456_789, total, { bytesPerSecond: 50_000_000.4, secondsLeft: 11.5 });
    expect(progressOf(said, total, undefined)).toEqual({
      percent: 42,
      text: '42%',
      downloadedBytes: 423_456_789,
      totalBytes: total,
      bytesPerSecond: 50_000_000,
      rate: '50MB/s',
      secondsLeft: 12,
      eta: '12s',
    });
  });

  it('is 0% before anything is said, and of nothing', () => {
    expect(progressOf(undefined, total, undefined)).toMatchObject({ percent: 0, text: '0%' });
    expect(progressOf(downloading(0, 0), 0, undefined)).toMatchObject({ percent: 0, downloadedBytes: 0 });
  });

  it('keeps what was there while nobody says anything, without a rate that no longer holds', () => {
    const before = progressOf(downloading(500, 1000, { bytesPerSecond: 10 }), 1000, undefined);
    expect(progressOf(undefined, 1000, before)).toEqual({
      percent: 50,
      text: '50%',
      downloadedBytes: 500,
      totalBytes: 1000,
    });
  });

  it('says 100% only of what is published', () => {
    expect(at(total)).toMatchObject({ percent: 99, downloadedBytes: total });
  });

  it('begins anew for another total, and after a pull that was published', () => {
    expect(at(10, { ...at(900), totalBytes: 5 })).toMatchObject({ downloadedBytes: 10 });
    expect(at(10, { ...at(total), percent: 100 })).toMatchObject({ downloadedBytes: 10 });
  });

  it('never goes back and never beyond the total, whatever pods say', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.integer({ min: 0, max: 2 * total }), { nil: undefined })), (said) => {
        let before: Progress | undefined;
        for (const bytes of said) {
          const next = progressOf(bytes === undefined ? undefined : downloading(bytes, total), total, before);
          expect(next.downloadedBytes).toBeGreaterThanOrEqual(before?.downloadedBytes ?? 0);
          expect(next.downloadedBytes).toBeLessThanOrEqual(total);
          expect(next.percent).toBeGreaterThanOrEqual(before?.percent ?? 0);
          expect(next.percent).toBeLessThan(100);
          before = next;
        }
      }),
    );
  });
});
