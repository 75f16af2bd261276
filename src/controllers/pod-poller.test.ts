import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import type { Pod } from '../kube/builtin.ts';
import type { Live } from '../kube/kind.ts';
import { PodPoller, type Question } from './pod-poller.ts';
import { meta } from './testing/objects.ts';

const schema = z.object({ percent: z.int() });
const question: Question<z.infer<typeof schema>> = { port: 9440, path: '/progress', schema };
const owner = { namespace: 'ns', name: 'qwen' };

const stop = new Set<AbortController>();
beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  for (const each of stop) each.abort();
  vi.useRealTimers();
});

/** A pod that runs at an address of its own, which is its name. */
function aPod(name: string, status: Pod['status'] = {}): Live<Pod> {
  return { metadata: meta(name), status: { phase: 'Running', podIP: name, ...status } };
}

/** Pods by name and what they answer: text, never (a promise that is pending), or an error where there is none. */
function world(choices: Partial<Question<z.infer<typeof schema>>> & { concurrency?: number } = {}) {
  const { concurrency, ...more } = choices;
  const answers = new Map<string, string | Promise<string>>();
  const asked: string[] = [];
  const changed: string[] = [];
  const poller = new PodPoller({
    question: { ...question, ...more },
    onChange: ({ name }) => changed.push(name),
    concurrency,
    fetch: async (url) => {
      const { hostname } = new URL(url);
      asked.push(hostname);
      const answer = answers.get(hostname);
      if (answer === undefined) throw new Error('refused');
      return answer;
    },
  });
  const start = (): { ended: Promise<void>; end: AbortController } => {
    const end = new AbortController();
    stop.add(end);
    return { ended: poller.start(end.signal), end };
  };
  const says = (name: string, percent: number): void => void answers.set(name, JSON.stringify({ percent }));
  /** How often it was asked since the last call. */
  const times = (): number => asked.splice(0).length;
  return { poller, answers, asked, changed, start, says, times };
}

const seconds = (s: number) => vi.advanceTimersByTimeAsync(s * 1000);

describe('a poller of pods', () => {
  it('asks a pod at once and every two seconds, and gives what it said last', async () => {
    const { poller, says, start, times } = world();
    start();
    says('a', 10);
    expect(poller.follow(owner, [aPod('a')])).toEqual(new Map());
    await seconds(0);
    expect(times()).toBe(1);
    expect(poller.follow(owner, [aPod('a')])).toEqual(new Map([['a', { percent: 10 }]]));
    says('a', 20);
    await seconds(1.9);
    expect(times()).toBe(0);
    await seconds(0.1);
    expect(times()).toBe(1);
    expect(poller.follow(owner, [aPod('a')]).get('a')).toEqual({ percent: 20 });
    await seconds(20);
    expect(times()).toBe(10);
  });

  it('tells of the owner only when a pod says something else', async () => {
    const { poller, says, start, changed } = world();
    start();
    says('a', 10);
    poller.follow(owner, [aPod('a')]);
    await seconds(0);
    expect(changed.splice(0)).toEqual(['qwen']);
    await seconds(10);
    expect(changed).toEqual([]);
    says('a', 11);
    await seconds(2);
    expect(changed).toEqual(['qwen']);
  });

  it('keeps the last answer through one question in vain, and is silent after two', async () => {
    const { poller, answers, says, start, changed } = world();
    start();
    says('a', 10);
    poller.follow(owner, [aPod('a')]);
    await seconds(0);
    answers.clear();
    await seconds(2);
    expect(poller.follow(owner, [aPod('a')]).get('a')).toEqual({ percent: 10 });
    await seconds(2);
    expect(poller.follow(owner, [aPod('a')]).get('a')).toBe('silent');
    expect(changed).toEqual(['qwen', 'qwen']);
    says('a', 30);
    await seconds(10);
    expect(poller.follow(owner, [aPod('a')]).get('a')).toEqual({ percent: 30 });
  });

  it('takes no answer that the schema does not accept', async () => {
    const { poller, answers, start } = world();
    start();
    answers.set('a', '{"percent":"half"}');
    poller.follow(owner, [aPod('a')]);
    await seconds(2);
    expect(poller.follow(owner, [aPod('a')]).get('a')).toBe('silent');
  });

  it('asks one that does not answer more and more seldom, at least every ten seconds', async () => {
    const { poller, start, times } = world();
    start();
    poller.follow(owner, [aPod('a')]);
    await seconds(0);
    const asked: number[] = [];
    for (let second = 1; second <= 40; second += 1) {
      times();
      await seconds(1);
      if (times() > 0) asked.push(second);
    }
    expect(asked).toEqual([2, 6, 14, 24, 34]);
  });

  it('asks at most so many at a time', async () => {
    const { poller, answers, asked, start } = world({ concurrency: 2 });
    start();
    const hung = Promise.withResolvers<string>();
    for (const name of ['a', 'b', 'c']) answers.set(name, hung.promise);
    poller.follow(
      owner,
      ['a', 'b', 'c'].map((name) => aPod(name)),
    );
    await seconds(20);
    expect(asked).toEqual(['a', 'b']);
    hung.reject(new Error('timeout'));
    await seconds(0);
    expect(asked).toEqual(['a', 'b', 'c']);
  });

  it('asks those first that answer', async () => {
    const { poller, answers, asked, says, start } = world({ concurrency: 1 });
    start();
    says('good', 1);
    poller.follow(owner, [aPod('bad'), aPod('good')]);
    await seconds(1);
    const hung = Promise.withResolvers<string>();
    answers.set('slow', hung.promise);
    poller.follow({ namespace: 'ns', name: 'other' }, [aPod('slow')]);
    await seconds(2);
    hung.resolve('{"percent":1}');
    await seconds(0);
    expect(asked).toEqual(['bad', 'good', 'slow', 'good', 'bad']);
  });

  it('forgets what was said before a container was started again', async () => {
    const { poller, answers, says, start } = world();
    start();
    const run = (restartCount: number) => {
      const status = { name: 'c', image: '', imageID: '', ready: false, restartCount };
      return aPod('a', { containerStatuses: [status] });
    };
    says('a', 90);
    poller.follow(owner, [run(0)]);
    await seconds(0);
    expect(poller.follow(owner, [run(0)]).size).toBe(1);
    answers.clear();
    expect(poller.follow(owner, [run(1)])).toEqual(new Map());
  });

  it('asks no pod that does not run, that has ended or that nobody names any more', async () => {
    const { poller, says, start, times } = world();
    start();
    says('a', 10);
    for (const status of [{ phase: 'Pending' }, { phase: 'Succeeded' }] as const)
      poller.follow(owner, [aPod('a', status)]);
    await seconds(10);
    expect(times()).toBe(0);
    for (const after of [[], [aPod('a', { phase: 'Succeeded' })]]) {
      poller.follow(owner, [aPod('a')]);
      await seconds(0);
      expect(times()).toBe(1);
      expect(poller.follow(owner, after)).toEqual(new Map());
      expect(vi.getTimerCount()).toBe(0);
      await seconds(10);
      expect(times()).toBe(0);
    }
  });

  it('does not tell of a pod that was given up while it was asked', async () => {
    const { poller, answers, start, changed } = world();
    start();
    const late = Promise.withResolvers<string>();
    answers.set('a', late.promise);
    poller.follow(owner, [aPod('a')]);
    await seconds(0.5);
    poller.follow(owner, []);
    late.resolve('{"percent":1}');
    await seconds(10);
    expect(changed).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('has enough where the question says so, and asks again when that changes', async () => {
    const { poller, says, start, times } = world({
      isEnough: ({ metadata }, { answer, failures }) =>
        metadata.generation === 2 && (answer?.percent === 100 || failures > 2),
    });
    start();
    says('a', 100);
    const ready = { ...aPod('a'), metadata: meta('a', { generation: 2 }) };
    poller.follow(owner, [aPod('a')]);
    await seconds(3);
    expect(times()).toBe(2);
    poller.follow(owner, [ready]);
    await seconds(20);
    expect(times()).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
    expect(poller.follow(owner, [ready]).get('a')).toEqual({ percent: 100 });
    poller.follow(owner, [aPod('a')]);
    await seconds(0);
    expect(times()).toBe(1);
    poller.follow(owner, []);
    poller.follow(owner, [ready]);
    await seconds(0);
    expect(times()).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
    const mute = { ...aPod('mute'), metadata: meta('mute', { generation: 2 }) };
    poller.follow(owner, [mute]);
    await seconds(60);
    expect(times()).toBe(3);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('asks nobody before it is started and after it is stopped', async () => {
    const { poller, says, start, times } = world();
    says('a', 10);
    poller.follow(owner, [aPod('a')]);
    await seconds(5);
    expect(times()).toBe(0);
    const { ended, end } = start();
    await seconds(0);
    expect(times()).toBe(1);
    end.abort();
    await ended;
    expect(vi.getTimerCount()).toBe(0);
    poller.follow(owner, [aPod('a'), aPod('b')]);
    await seconds(10);
    expect(times()).toBe(0);
  });
});
