import { describe, expect, it } from 'vitest';
import { ApiError } from './errors.ts';
import type { Kind, KubeObject, Live } from './kind.ts';
import { statusWriter } from './status.ts';
import { recordClient } from './testing/recorded-client.ts';

type Widget = KubeObject & { status?: { note?: string | undefined; count?: number | undefined } | undefined };
const widgets: Kind<Widget> = {
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  plural: 'widgets',
  namespaced: true,
};

function widget(members: Partial<Widget> = {}): Live<Widget> {
  const metadata = { name: 'w', namespace: 'default', uid: 'u1', resourceVersion: '5' };
  return { ...members, metadata };
}

const failing = (status: number): ApiError => new ApiError({ status, reason: 'x', message: 'x' });

describe('a status writer', () => {
  it('sends nothing when the cached object has that status, in whatever order', async () => {
    const { client, sent } = recordClient();
    const object = widget({ status: { count: 1, note: 'a' } });
    expect(await statusWriter(client)(widgets, object, { note: 'a', count: 1 })).toBe('unchanged');
    expect(sent).toEqual([]);
  });

  it('sends the whole status with the resource version it was decided from', async () => {
    const { client, sent } = recordClient();
    const object = widget({ status: { count: 1, note: 'a' } });
    expect(await statusWriter(client)(widgets, object, { note: 'b' })).toBe('written');
    const metadata = { name: 'w', namespace: 'default', resourceVersion: '5' };
    expect(sent.map(({ object }) => object)).toEqual([{ metadata, status: { note: 'b' } }]);
  });

  it('says gone when there is no such object, and rejects with any other error', async () => {
    const write = (status: number) =>
      statusWriter(recordClient({ applyStatus: failing(status) }).client)(widgets, widget(), { note: 'b' });
    expect(await write(404)).toBe('gone');
    await expect(write(409)).rejects.toMatchObject({ status: 409 });
  });
});
