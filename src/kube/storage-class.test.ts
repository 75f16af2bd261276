import { expect, it } from 'vitest';
import { isDefaultClass } from './storage-class.ts';

it.for([
  [undefined, false],
  [{ 'storageclass.kubernetes.io/is-default-class': 'true' }, true],
  [{ 'storageclass.beta.kubernetes.io/is-default-class': 'true' }, true],
  [{ 'storageclass.kubernetes.io/is-default-class': 'false' }, false],
  [{ 'storageclass.kubernetes.io/is-default-class': '' }, false],
  [{ 'example.com/is-default-class': 'true' }, false],
] as const)('a StorageClass annotated %j is the default one: %s', ([annotations, is]) => {
  expect(
    isDefaultClass({ provisioner: 'example.com/disk', metadata: { ...(annotations && { annotations }) } }),
  ).toBe(is);
});
