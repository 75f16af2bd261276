import { expect } from 'vitest';
import { applier } from '../../src/kube/apply.ts';
import { isConflict } from '../../src/kube/errors.ts';
import { configMaps, it } from './config-maps.ts';

it('a write that was decided by an older version of an object undoes nothing', async ({
  client,
  namespace,
}) => {
  const apply = applier({ client, annotation: 'test/applied' });
  const wanted = (value: string) => ({ metadata: { name: 'settings', namespace }, data: { value } });
  const there = () => client.get(configMaps, { namespace, name: 'settings' });
  await apply(configMaps, wanted('first'), undefined);
  const old = await there();
  await apply(configMaps, wanted('second'), old);

  const late = apply(configMaps, wanted('late'), old);
  await expect(late).rejects.toSatisfy(isConflict);
  expect((await there()).data).toEqual({ value: 'second' });

  await client.delete(configMaps, { namespace, name: 'settings' });
  const tooLate = apply(configMaps, wanted('late'), old);
  await expect(tooLate).rejects.toSatisfy(isConflict);
  await expect(there()).rejects.toMatchObject({ status: 404 });
});
