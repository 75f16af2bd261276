import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import fc from 'fast-check';
import { valueSharing } from './shared-values.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

it('leaves every value as it was', () => {
  const few = fc.constantFrom('a', 'ab', 'b', '', 0, 1, true, false, null);
  const small = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      few,
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('a', 'b', 'c', '0', '1', 'length'), tie('value'), { maxKeys: 3 }),
    ),
  })).value;
  fc.assert(
    fc.property(
      fc.array(fc.oneof(small, fc.jsonValue(), fc.dictionary(fc.string(), fc.string()))),
      (values) => {
        const text = JSON.stringify(values);
        const parsed = JSON.parse(text) as object;
        valueSharing()(parsed);
        expect(JSON.stringify(parsed)).toBe(text);
      },
    ),
    { numRuns: 500 },
  );
});

it('makes one of what is equal, whatever it is a part of', () => {
  const objects = [1, 2].map((name) => ({
    name,
    conditions: [{ type: 'Ready', status: 'True', message: `answers ${'well '.repeat(9)}` }],
    spec: { template: { containers: [{ env: [], ports: [{ port: 80 }] }] } },
  }));
  const share = valueSharing();
  objects.forEach((object) => share(object));
  const [one, other] = objects;
  expect(one?.conditions).toBe(other?.conditions);
  expect(one?.spec).toBe(other?.spec);
});

it('has far less memory hold what is said again and again, and forgets what is not', () => {
  const share = valueSharing();
  const conditions = ['StorageReady', 'Resolved', 'Ready'].map((type) => ({
    type,
    reason: 'Succeeded, as always',
    message: 'The claim is bound to a volume.',
  }));
  const held = (sharing: boolean): number => {
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    const kept = Array.from({ length: 20_000 }, (_, i) => {
      const object = JSON.parse(JSON.stringify({ conditions, name: `one-of-very-many-${i}` })) as object;
      if (sharing) share(object);
      return object;
    });
    collectGarbage();
    return (process.memoryUsage().heapUsed - before) / kept.length;
  };
  held(true);
  expect(held(true)).toBeLessThan(0.3 * held(false));
  expect(held(true)).toBeLessThan(200);
});
