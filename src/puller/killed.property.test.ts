import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { tinyGguf } from '../../test/hub/gguf.ts';
import { startHub, type Hub } from '../../test/hub/hub.ts';
import { bytesIn, within, type Interval, type Intervals } from './transfer/intervals.ts';
import { partialFolder } from './testing/partial.ts';
import { aPlace, type Puller } from './testing/process.ts';

/** 100 take some seven minutes. */
const schedules = Number(process.env['LONGSHORE_KILL_SCHEDULES'] ?? 2);
vi.setConfig({ testTimeout: 60_000 * Math.max(1, schedules) });

const size = 96 << 20;
const content = tinyGguf({ size, seed: 5 });
const sha256 = createHash('sha256').update(content).digest('hex');
const repo = 'acme/killed';
const waiting = { timeout: 40_000, interval: 5 };
/** What is at risk, and what connections hold: batches, and what the kernel has of each. */
const mostAgain = 40 << 20;

let hub: Hub;

beforeAll(async () => {
  hub = await startHub({ repos: [{ id: repo, files: { 'm-Q8_0.gguf': content } }] });
  // Half a second for the file, so that most kills meet the middle of it.
  hub.setThrottle(50_000_000);
});
afterAll(() => hub.close());

/** What the journal claims; nothing where there is none. */
async function claimedIn(volume: string): Promise<Intervals> {
  const folder = await partialFolder(volume, sha256).catch(() => '');
  const text = await readFile(join(folder, 'journal.json'), 'utf8').catch(() => '{"durable":[]}');
  return (JSON.parse(text) as { durable: Interval[] }).durable;
}

/** What is claimed is in the data, or in the blob that the data became right before. */
async function expectHeld(volume: string, claimed: Intervals): Promise<void> {
  if (claimed.length === 0) return;
  const data = await open(join(await partialFolder(volume, sha256), 'data')).catch(() =>
    open(join(volume, `blobs/sha256-${sha256}`)),
  );
  for (const [start, end] of claimed) {
    const bytes = Buffer.alloc(end - start);
    await data.read(bytes, 0, bytes.byteLength, start);
    expect(bytes.equals(content.subarray(start, end))).toBe(true);
  }
  await data.close();
}

/** What has been asked of the CDN since the last call. */
function asked(): Interval[] {
  const ranges = hub.requests.filter(({ origin }) => origin === 'cdn').map(({ range }) => range);
  hub.requests.length = 0;
  return ranges.map((range) => {
    const [, start, last] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? [];
    return [Number(start), Number(last) + 1];
  });
}

/** Bytes of the file that were sent since the last call of `asked`. */
const sentBytes = (): number => hub.requests.reduce((sum, request) => sum + request.sentBytes, 0);

/** When a puller is killed: some time after so many bytes of what is missing were sent. */
const moment = fc.record({ bytes: fc.integer({ min: 0, max: size }), ms: fc.integer({ min: 0, max: 100 }) });

/** Bytes that were sent twice, for each schedule, and for each kill on average. */
const again: number[] = [];
afterAll(() => {
  const [least, most] = [Math.min(...again), Math.max(...again)].map((bytes) => (bytes / 2 ** 20).toFixed(1));
  const mean = again.reduce((sum, bytes) => sum + bytes, 0) / again.length / 2 ** 20;
  console.error(
    `killed: ${again.length} schedules, ${least} to ${most} MiB again for a kill, ${mean.toFixed(1)} on average`,
  );
});

it('a puller that is killed at any moment leaves nothing behind that the next one cannot trust', async () => {
  const moments = fc.array(moment, { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(moments, async (moments) => {
      const place = await aPlace();
      const start = (): Puller => {
        const huggingFace = { repo, revision: 'main', endpoint: hub.url };
        return place.start('pull', { source: { huggingFace } });
      };
      let sent = 0;
      try {
        let claimed: Intervals = [];
        /** Lets a puller run, and looks at what it asked for and what it left. */
        const run = async (until: (puller: Puller) => Promise<unknown>): Promise<void> => {
          await until(start());
          sent += sentBytes();
          for (const range of asked()) expect(bytesIn(within(claimed, range))).toBe(0);
          claimed = await claimedIn(place.volume);
          await expectHeld(place.volume, claimed);
        };
        for (const { bytes, ms } of moments) {
          await run(async ({ process }) => {
            const enough = Math.min(bytes, size - bytesIn(claimed));
            await vi.waitUntil(() => sentBytes() >= enough || process.exitCode !== null, waiting);
            await sleep(ms);
            process.kill('SIGKILL');
            if (process.exitCode === null && process.signalCode === null) await once(process, 'close');
          });
        }
        await run(async (puller) => expect(await puller.ended()).toMatchObject({ code: 0 }));
        const blob = await readFile(join(place.volume, `blobs/sha256-${sha256}`));
        expect(blob.equals(content)).toBe(true);
        again.push((sent - size) / moments.length);
        expect(again.at(-1)).toBeLessThan(mostAgain);
      } finally {
        await place.clear();
      }
    }),
    { numRuns: schedules, endOnFailure: true },
  );
});
