import { describe, expect, it } from 'vitest';
import { ApiError } from './errors.ts';
import { setFinalizer } from './finalizers.ts';
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

function widget(rest: Partial<Widget> & { finalizers?: string[] } = {}): Live<Widget> {
  const { finalizers, ...members } = rest;
  const metadata = { name: 'w', namespace: 'default', uid: 'u1', resourceVersion: '5', finalizers };
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

describe('setFinalizer', () => {
  it('adds beside those of others, under the resource version it saw', async () => {
    const { client, sent } = recordClient();
    expect(await setFinalizer(client, widgets, widget({ finalizers: ['other'] }), 'mine', true)).toBe(true);
    const metadata = { uid: 'u1', resourceVersion: '5', finalizers: ['other', 'mine'] };
    expect(sent).toEqual([{ verb: 'patch', namespace: 'default', name: 'w', object: { metadata } }]);
  });

  it('removes only its own', async () => {
    const { client, sent } = recordClient();
    await setFinalizer(client, widgets, widget({ finalizers: ['mine', 'other'] }), 'mine', false);
    expect(sent[0]?.object).toMatchObject({ metadata: { finalizers: ['other'] } });
  });

  it('sends nothing when it is as wanted', async () => {
    const { client, sent } = recordClient();
    expect(await setFinalizer(client, widgets, widget({ finalizers: ['mine'] }), 'mine', true)).toBe(false);
    expect(await setFinalizer(client, widgets, widget(), 'mine', false)).toBe(false);
    expect(sent).toEqual([]);
  });

  it('is content when the object it removes it from is gone', async () => {
    const { client } = recordClient({ patch: failing(404) });
    expect(await setFinalizer(client, widgets, widget({ finalizers: ['mine'] }), 'mine', false)).toBe(false);
    await expect(setFinalizer(client, widgets, widget(), 'mine', true)).rejects.toMatchObject({
      status: 404,
    });
  });
});
