import { describe, expect, it } from 'vitest';
import { lockstep } from './lockstep.ts';

const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
};

describe('lockstep', () => {
  it('begins the next tokens of all sequences together, however long each took', async () => {
    const stepOf = lockstep(() => 3);
    let atWork = 0;
    /** How many were at work when each token was computed. */
    const together: number[] = [];
    const sequence = async (turnsOfOne: number, number: number) => {
      const { decode } = stepOf(number);
      for (let token = 0; token < 5; token++) {
        await decode(async () => {
          atWork++;
          await Promise.resolve();
          together.push(atWork);
          await turns(turnsOfOne);
          atWork--;
        });
        // Answers go through several hands before the next token is asked for.
        for (let hands = 0; hands < 20; hands++) await Promise.resolve();
      }
    };
    await Promise.all([1, 2, 5].map(sequence));
    expect(together).toEqual(Array(15).fill(3));
  });

  it('begins them in their order, whichever asked first', async () => {
    const stepOf = lockstep(() => 4);
    const begun: number[] = [];
    await Promise.all([2, 0, 3, 1].map((number) => stepOf(number).decode(async () => begun.push(number))));
    expect(begun).toEqual([0, 1, 2, 3]);
  });

  it('takes who comes in between with the next ones', async () => {
    const { decode } = lockstep(() => 2)(0);
    const begun: string[] = [];
    const one = decode(async () => {
      begun.push('first');
      await turns(3);
      begun.push('first is there');
    });
    await turns(2);
    const other = decode(async () => begun.push('second'));
    await Promise.all([one, other]);
    expect(begun).toEqual(['first', 'first is there', 'second']);
  });

  it('holds nobody up with a prompt', async () => {
    const { decode, prefill } = lockstep(() => 2)(0);
    let prompt = 'not begun';
    const long = prefill(async () => {
      prompt = 'begun';
      await turns(50);
      prompt = 'computed';
    });
    await decode(() => turns(1));
    await decode(() => turns(1));
    expect(prompt).toBe('begun');
    await long;
  });

  it('has one that is alone begin at once, and no more once there is another', async () => {
    let busy = 1;
    const stepOf = lockstep(() => busy);
    const begun: number[] = [];
    const decode = (number: number) => stepOf(number).decode(async () => begun.push(number));
    const alone = decode(1);
    expect(begun).toEqual([1]);
    await alone;
    busy = 2;
    const together = [decode(1), decode(0)];
    expect(begun).toEqual([1]);
    await Promise.all(together);
    expect(begun).toEqual([1, 0, 1]);
  });

  it('goes on after one that failed', async () => {
    const { decode } = lockstep(() => 2)(0);
    await expect(decode(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    await expect(decode(async () => 'next')).resolves.toBe('next');
  });
});
