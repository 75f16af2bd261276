import { describe, expect, it } from 'vitest';
import { ContextSizes } from './context-sizes.ts';
import { aServer } from './testing/objects.ts';

const server = aServer('chat');
const replica = (uid: string) => ({ uid, origin: `http://${uid}`, server });

describe('the context that a replica has', () => {
  it('is asked for once, as long as somebody wants to know', async () => {
    const asked: string[] = [];
    const sizes = new ContextSizes(async ({ uid }) => {
      asked.push(uid);
      return { phase: 'ready', percent: 100, contextSize: 4096 };
    });
    const [one, other] = [replica('one'), replica('other')];
    expect(await sizes.of([one, other])).toEqual(new Map([['one', 4096], ['other', 4096]])); // prettier-ignore
    await sizes.of([one]);
    expect(asked).toEqual(['one', 'other']);
    await sizes.of([one, other]);
    expect(asked).toEqual(['one', 'other', 'other']);
  });

  it.each([undefined, 'x', { phase: 'ready', percent: 100 }, { contextSize: 1 }])(
    'is not known where the answer is %j, and asked for again',
    async (answer) => {
      let asked = 0;
      const sizes = new ContextSizes(async () => (asked++, answer));
      for (const _ of [1, 2]) expect((await sizes.of([replica('one')])).size).toBe(0);
      expect(asked).toBe(2);
    },
  );
});
