import { describe, expect, it } from 'vitest';
import type { KubeEvent } from '../kube/builtin.ts';
import type { KubeClient } from '../kube/client.ts';
import { ApiError } from '../kube/errors.ts';
import { EventLooks } from './event-looks.ts';
import { aJob, now, secondsAgo } from './testing/objects.ts';

const signal = new AbortController().signal;

/** Looks at objects of which the first is due five seconds after it was made, and what is told when events are listed. */
function setUp(answer: () => KubeEvent[] = () => []) {
  const asked: string[] = [];
  let passed = 0;
  const list = (_kind: unknown, { fieldSelector = '' }: { fieldSelector?: string }) => {
    asked.push(/uid-of-inspect-(\w+)-1/.exec(fieldSelector)?.[1] ?? '');
    return Promise.resolve().then(() => ({ items: answer() }));
  };
  const clock = () => new Date(now.getTime() + passed * 1000);
  const question = { fields: 'reason=Bad', secondsToFirst: 5, secondsBetween: 20 };
  const looks = new EventLooks({ list } as unknown as Pick<KubeClient, 'list'>, clock, question);
  const object = (seconds: number, name = 'a') => {
    const made = aJob({ request: name });
    return { ...made, metadata: { ...made.metadata, creationTimestamp: secondsAgo(seconds) } };
  };
  const look = async (...objects: ReturnType<typeof object>[]) => [
    ...(await looks.of(objects, signal)).values(),
  ];
  return { asked, looks, object, look, pass: (seconds: number) => void (passed += seconds) };
}

const event = (note: string): KubeEvent => ({ metadata: {}, note, eventTime: secondsAgo(1) });

describe('an object that something may be said of', () => {
  it('is given a moment first', async () => {
    const { asked, looks, object, look, pass } = setUp();
    expect(looks.secondsToNext([])).toBeUndefined();
    await look(object(3));
    expect([asked, looks.secondsToNext([object(3)])]).toEqual([[], 2]);
    pass(2);
    await look(object(3));
    expect(asked).toEqual(['a']);
  });

  it('is looked at again soon while nothing is said, and less often the longer that lasts', async () => {
    const { asked, looks, object, look, pass } = setUp();
    const pauses: (number | undefined)[] = [];
    for (let i = 0; i < 6; i += 1) {
      await look(object(5));
      const pause = looks.secondsToNext([object(5)]) ?? 0;
      pauses.push(pause);
      pass(pause);
    }
    expect(pauses).toEqual([2, 4, 8, 16, 20, 20]);
    expect(asked).toHaveLength(6);
  });

  it('is looked at again after a while, and what was said stands until then', async () => {
    let answer = [event('no')];
    const { asked, looks, object, look, pass } = setUp(() => answer);
    expect(await look(object(9))).toEqual(['no']);
    expect(looks.secondsToNext([object(9)])).toBe(20);
    answer = [];
    pass(19);
    expect(await look(object(9))).toEqual(['no']);
    pass(1);
    expect(await look(object(9))).toEqual([]);
    expect(asked).toHaveLength(2);
    expect(looks.secondsToNext([object(9)])).toBe(2);
  });

  it('takes turns with others, whoever comes first, and is told when its own is', async () => {
    const { asked, looks, object, look, pass } = setUp();
    const [a, b, c] = ['a', 'b', 'c'].map((name) => object(60, name)) as [Asked, Asked, Asked];
    await look(a);
    await look(b);
    await look(c);
    expect(asked).toEqual(['a']);
    expect([looks.secondsToNext([b]), looks.secondsToNext([c]), looks.secondsToNext([c, b])]).toEqual([
      0.5, 1, 0.5,
    ]);
    pass(0.5);
    // Nobody takes a turn that is another's.
    await look(c);
    expect(asked).toEqual(['a']);
    await look(b);
    expect(asked).toEqual(['a', 'b']);
    pass(0.5);
    await look(b, c);
    expect(asked).toEqual(['a', 'b', 'c']);
  });

  it('keeps a crowd to two questions a second, and passes over none of it', async () => {
    const { asked, looks, object, pass } = setUp(() => [event('no')]);
    const crowd = Array.from({ length: 60 }, (_, i) => object(60, `n${i}`));
    for (let halfSeconds = 0; halfSeconds < 60; halfSeconds += 1) {
      for (const one of crowd) await looks.of([one], signal);
      expect(asked).toHaveLength(halfSeconds + 1);
      pass(0.5);
    }
    expect(new Set(asked).size).toBe(60);
  });

  it('is forgotten when nobody has asked for it in ten minutes', async () => {
    const { object, look, pass } = setUp(() => [event('no')]);
    const [a, b] = [object(60), object(60, 'b')];
    await look(a);
    pass(619);
    await look(b);
    expect(await look(a)).toEqual(['no']);
    pass(620.5);
    await look(b);
    // Its next look is half a second away.
    expect(await look(a)).toEqual([]);
  });

  it('is asked about again later where the question failed', async () => {
    const { looks, object, look } = setUp(() => {
      throw new ApiError({ status: 500, reason: 'InternalError', message: 'no' });
    });
    await expect(look(object(9))).rejects.toThrow('no');
    expect(looks.secondsToNext([object(9)])).toBe(2);
  });

  it('stays unexplained where events may not be read', async () => {
    const { object, look } = setUp(() => {
      throw new ApiError({ status: 403, reason: 'Forbidden', message: 'no' });
    });
    expect(await look(object(9))).toEqual([]);
  });
});

type Asked = ReturnType<ReturnType<typeof setUp>['object']>;
