import { describe, expect, it, onTestFinished } from 'vitest';
import { keyOf } from '../../kube/kind.ts';
import type { Writing } from '../management/objects.ts';
import { aModel } from '../testing/objects.ts';
import { startGatewayBefore } from '../testing/world.ts';

const unused = (): Promise<never> => Promise.reject(new Error('nothing is written by a look'));
const client: Writing['client'] = { create: unused, delete: unused, managersOf: unused };

async function managing() {
  const management = {
    client,
    namespace: 'team',
    endpoints: [],
    gpus: 1,
    hub: 'http://127.0.0.1:1',
    registry: 'http://127.0.0.1:1',
  };
  const gateway = await startGatewayBefore(onTestFinished, [], { management });
  const get = async (path: string): Promise<{ status: number; body: unknown }> => {
    const answer = await fetch(`${gateway.url}${path}`);
    return { status: answer.status, body: await answer.json() };
  };
  return { ...gateway, get };
}

describe('objects', { timeout: 30_000 }, () => {
  it('are listed whole, of one namespace or of all', async () => {
    const { get, caches, server } = await managing();
    const [mine, theirs] = [aModel('b'), aModel('a', { namespace: 'other' })];
    caches.put({ models: [mine, theirs] });
    expect(await get('/objects/models')).toEqual({ status: 200, body: { items: [theirs, mine] } });
    expect((await get('/objects/models?namespace=team')).body).toEqual({ items: [mine] });
    expect((await get('/objects/models?namespace=nobody')).body).toEqual({ items: [] });
    expect((await get('/objects/modelservers')).body).toEqual({ items: [server] });
    expect(await get('/objects/models/team/b')).toEqual({ status: 200, body: mine });
  });

  it.for([
    ['/objects/models/team/nobody', 404, 'object_not_found'],
    ['/objects/models/team/nobody?follow=true', 404, 'object_not_found'],
    ['/objects/modelservers/other/chat', 404, 'object_not_found'],
    ['/objects/models?name=x', 400, 'invalid_request'],
    ['/objects/models/team/m?follow=perhaps', 400, 'invalid_request'],
    ['/objects/secrets', 404, 'unknown_url'],
  ] as const)('%s is refused with %i', async ([path, status, code]) => {
    const { get } = await managing();
    expect(await get(path)).toMatchObject({ status, body: { error: { code } } });
  });

  it('are followed until they are gone', async () => {
    const { url, caches } = await managing();
    const model = aModel('m');
    caches.put({ models: [model] });
    const answer = await fetch(`${url}/objects/models/team/m?follow=true`);
    expect(answer.headers.get('content-type')).toBe('application/x-ndjson');
    const lines = answer.body!.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]();
    const next = async (): Promise<unknown> => JSON.parse(String((await lines.next()).value));
    expect(await next()).toEqual({ object: model });
    const changed = { ...model, spec: { ...model.spec, suspend: true } };
    caches.put({ models: [changed] });
    expect(await next()).toEqual({ object: changed });
    caches.models.remove(keyOf(model));
    expect(await next()).toEqual({ object: null });
    expect((await lines.next()).done).toBe(true);
  });

  it('are none of a gateway that does not manage, which says so to who asks first', async () => {
    const { url } = await startGatewayBefore(onTestFinished, []);
    expect((await fetch(`${url}/objects/models`)).status).toBe(404);
    expect(await (await fetch(`${url}/version`)).json()).toEqual({
      version: 'from a checkout',
      scopes: ['infer', 'read', 'manage'],
    });
    const { get } = await managing();
    expect((await get('/version')).body).toMatchObject({ namespace: 'team' });
  });
});
