import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import fc from 'fast-check';
import { stringSharing } from './shared-strings.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

it('leaves every value as it was', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.jsonValue(), fc.dictionary(fc.string(), fc.string()))), (values) => {
      const text = JSON.stringify(values);
      stringSharing()(values);
      expect(JSON.stringify(values)).toBe(text);
    }),
  );
});

it('has far less memory hold what is said again and again, and forgets what is not', () => {
  const share = stringSharing();
  const condition = {
    type: 'StorageReady',
    reason: 'Succeeded, as always',
    message: 'The claim is bound to a volume.',
  };
  const held = (sharing: boolean): number => {
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    const kept = Array.from({ length: 20_000 }, (_, i) => {
      const object = JSON.parse(JSON.stringify({ ...condition, name: `one-of-very-many-${i}` })) as object;
      if (sharing) share(object);
      return object;
    });
    collectGarbage();
    return (process.memoryUsage().heapUsed - before) / kept.length;
  };
  held(true);
  expect(held(true)).toBeLessThan(0.7 * held(false));
});
