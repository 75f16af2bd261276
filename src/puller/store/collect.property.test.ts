import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { tinyGguf } from '../../../test/hub/gguf.ts';
import { startHub, type Hub } from '../../../test/hub/hub.ts';
import type { Publication } from '../../protocols/puller.ts';
import { collect } from './collect.ts';
import { pull, type PullOptions } from '../pull.ts';
import { pullOptions } from '../testing/pull-options.ts';

/** 1000 take some five minutes. */
const stories = Number(process.env['LONGSHORE_COLLECT_STORIES'] ?? 12);
vi.setConfig({ testTimeout: 60_000 + stories * 2_000 });

/** Every call of the file system by a process of a story waits for its turn. */
const turns = vi.hoisted(() => ({ take: async (): Promise<void> => {} }));
vi.mock('node:fs/promises', async (original) => {
  const real = await original<Record<string, unknown>>();
  const gated = Object.entries(real).map(([name, call]) => [
    name,
    typeof call !== 'function'
      ? call
      : async (...args: unknown[]): Promise<unknown> => {
          await turns.take();
          return (call as (...args: unknown[]) => unknown)(...args);
        },
  ]);
  return Object.fromEntries(gated) as object;
});

const processes = ['pull', 'collect', 'collect again'] as const;
type Process = (typeof processes)[number];

interface Story {
  /** Whose turn it is, over and over. */
  readonly order: readonly Process[];
  /** After so many turns a process is killed, or stands still until the others have ended. */
  readonly fates: readonly {
    readonly of: Process;
    readonly after: number;
    readonly fate: 'killed' | 'stopped';
  }[];
}

const Stories: fc.Arbitrary<Story> = fc.record({
  order: fc.array(fc.constantFrom(...processes), { minLength: 1, maxLength: 60 }),
  fates: fc.uniqueArray(
    fc.record({
      of: fc.constantFrom(...processes),
      after: fc.nat({ max: 60 }),
      fate: fc.constantFrom('killed', 'stopped'),
    }),
    { selector: ({ of }) => of, maxLength: 3 },
  ),
});

const running = new AsyncLocalStorage<Process>();

/** Runs the processes, one call at a time, as the story has it. @returns those that ended by themselves. */
async function play<R>(
  { order, fates }: Story,
  all: Record<Process, () => Promise<R>>,
): Promise<Map<Process, R>> {
  const waiting = new Map<Process, PromiseWithResolvers<void>[]>(processes.map((name) => [name, []]));
  const taken = new Map<Process, number>(processes.map((name) => [name, 0]));
  const ended = new Map<Process, R>();
  const alive = new Set<Process>(processes);
  const killed = new Set<Process>();
  const failures: unknown[] = [];
  let changed = Promise.withResolvers<void>();

  turns.take = async () => {
    const who = running.getStore();
    if (who === undefined) return;
    if (killed.has(who)) throw new Error('killed');
    const turn = Promise.withResolvers<void>();
    waiting.get(who)!.push(turn);
    changed.resolve();
    await turn.promise;
  };
  async function live(name: Process): Promise<void> {
    try {
      ended.set(name, await running.run(name, all[name]));
    } catch (error) {
      if (!killed.has(name)) failures.push(error);
    }
    alive.delete(name);
    changed.resolve();
  }
  function kill(name: Process): void {
    killed.add(name);
    for (const { reject } of waiting.get(name)!.splice(0)) reject(new Error('killed'));
  }

  const lives = processes.map(live);
  for (let turn = 0; alive.size > 0 && failures.length === 0; turn++) {
    const due = fates.filter(({ of, after }) => alive.has(of) && taken.get(of)! >= after);
    for (const { of, fate } of due) if (fate === 'killed' && !killed.has(of)) kill(of);
    const stopped = new Set(due.map(({ of }) => of));
    const awake = [...alive].filter((name) => !stopped.has(name));
    // Who stood still wakes when nobody else is left.
    const able = awake.length > 0 ? awake : [...alive].filter((name) => !killed.has(name));
    const wanted = order[turn % order.length]!;
    const who = able.includes(wanted) ? wanted : able[turn % able.length];
    if (who === undefined) break;
    while (waiting.get(who)!.length === 0 && alive.has(who)) {
      changed = Promise.withResolvers();
      await changed.promise;
    }
    waiting.get(who)!.shift()?.resolve();
    taken.set(who, taken.get(who)! + 1);
  }
  for (const name of alive) kill(name);
  await Promise.all(lives);
  if (failures.length > 0) throw failures[0];
  return ended;
}

const log = pino({ level: 'silent' });
const patience = { tries: 1, sleep: async () => {}, random: () => 0 };
const { signal } = new AbortController();
const contents = {
  'm-00001-of-00002.gguf': tinyGguf({
    seed: 71,
    size: 20_000,
    metadata: { 'split.count': 2, 'split.no': 0 },
  }),
  'm-00002-of-00002.gguf': tinyGguf({
    seed: 72,
    size: 20_000,
    metadata: { 'split.count': 2, 'split.no': 1 },
  }),
  'config.json': Buffer.from('{"of":"both"}'),
};
const sha256 = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');

let hub: Hub;
beforeAll(async () => {
  hub = await startHub({ repos: [{ id: 'acme/both', files: contents }] });
});
afterAll(() => hub.close());

function optionsFor(root: string, modelUid: string, files: readonly string[]): PullOptions {
  const spec = { repo: 'acme/both', endpoint: hub.url, files };
  return { ...pullOptions(root, spec, { patience, signal }), modelUid };
}

async function expectWhole(root: string, { path, files }: Publication): Promise<void> {
  expect(files).toHaveLength(3);
  for (const file of files) {
    expect(sha256(await readFile(join(root, path, file.path)))).toBe(file.sha256);
    expect(sha256(await readFile(join(root, 'blobs', `sha256-${file.sha256}`)))).toBe(file.sha256);
  }
}

it('a collection beside a pull never takes away what is published, whoever is killed or stands still', async () => {
  await fc.assert(
    fc.asyncProperty(Stories, async (story) => {
      const root = await mkdtemp(join(tmpdir(), 'story-'));
      try {
        // Some of the files are there, of a Model that is deleted while another one pulls them.
        await pull(optionsFor(root, 'old', ['m-*', 'config.json']));
        await rm(join(root, 'blobs', `sha256-${sha256(contents['m-00002-of-00002.gguf'])}`));
        const request = { forget: { modelUid: 'old', except: [] }, graceSeconds: 0 };
        const collecting = () => collect(root, request, log);
        const ended = await play<unknown>(story, {
          pull: async () => {
            const published = await pull(optionsFor(root, 'new', ['m-*', 'config.json']));
            await expectWhole(root, published);
            return published;
          },
          collect: collecting,
          'collect again': collecting,
        });
        const published = ended.get('pull') as Publication | undefined;
        if (published !== undefined) await expectWhole(root, published);
        // Whatever was left half done, the next ones make good.
        await collect(root, request, log);
        await expectWhole(root, await pull(optionsFor(root, 'new', ['m-*', 'config.json'])));
        expect(await collect(root, request, log)).toMatchObject({ removedBlobs: 0, keptBlobs: 3 });
      } finally {
        turns.take = async () => {};
        await rm(root, { recursive: true, force: true, maxRetries: 10 });
      }
    }),
    { numRuns: stories, endOnFailure: true },
  );
});
