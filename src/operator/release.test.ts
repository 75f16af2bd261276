import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inUseFinalizer } from '../controllers/labels.ts';
import { aModel } from '../controllers/testing/objects.ts';
import { connect, type KubeClient } from '../kube/client.ts';
import { ScriptedApi } from '../kube/testing/scripted-api.ts';
import { releaseModels } from './release.ts';

const path = '/apis/longshore.dev/v1alpha1';

let api: ScriptedApi;
let client: KubeClient;
beforeEach(async () => {
  api = new ScriptedApi();
  await api.listen();
  client = connect(api.kubeConfig(), { fieldManager: 'tester' });
});
afterEach(async () => {
  await client.close();
  await api.close();
});

function model(name: string, finalizers: string[], resourceVersion = '1'): object {
  const { metadata, ...rest } = aModel();
  return { ...rest, metadata: { ...metadata, name, finalizers, resourceVersion } };
}
const page = (items: object[], next?: string): object => ({
  items,
  metadata: { resourceVersion: '9', continue: next },
});
const status = (code: number, reason: string): object => ({ kind: 'Status', code, reason, message: reason });

describe('releaseModels', () => {
  it('takes the finalizer off those that have it, page by page, and leaves those of others', async () => {
    const releasing = releaseModels(client, undefined);
    const first = await api.requests.next();
    expect(first.path).toBe(`${path}/models`);
    first.answer(200, page([model('held', ['example.com/x', inUseFinalizer]), model('free', [])], 'more'));
    const patch = await api.requests.next();
    expect(patch).toMatchObject({ method: 'PATCH', path: `${path}/namespaces/ns/models/held` });
    expect(JSON.parse(patch.body)).toEqual({
      metadata: { resourceVersion: '1', finalizers: ['example.com/x'] },
    });
    patch.answer(200, model('held', ['example.com/x'], '2'));
    const second = await api.requests.next();
    expect(second.query.get('continue')).toBe('more');
    second.answer(200, page([model('other', ['example.com/x'])]));
    expect(await releasing).toBe(1);
  });

  it('looks at the newest of one that has changed meanwhile, and is done when that is gone', async () => {
    const releasing = releaseModels(client, 'ns');
    const list = await api.requests.next();
    expect(list.path).toBe(`${path}/namespaces/ns/models`);
    list.answer(200, page([model('held', [inUseFinalizer])]));
    (await api.requests.next()).answer(409, status(409, 'Conflict'));
    const get = await api.requests.next();
    expect(get).toMatchObject({ method: 'GET', path: `${path}/namespaces/ns/models/held` });
    get.answer(200, model('held', [inUseFinalizer], '2'));
    const again = await api.requests.next();
    expect(JSON.parse(again.body)).toMatchObject({ metadata: { resourceVersion: '2' } });
    again.answer(409, status(409, 'Conflict'));
    (await api.requests.next()).answer(404, status(404, 'NotFound'));
    expect(await releasing).toBe(1);
  });

  it('has nothing to do where the CRD is not installed', async () => {
    const releasing = releaseModels(client, undefined);
    (await api.requests.next()).answer(404, status(404, 'NotFound'));
    expect(await releasing).toBe(0);
  });

  it('fails when it may not: the Job is tried again', async () => {
    const releasing = releaseModels(client, undefined);
    (await api.requests.next()).answer(403, status(403, 'Forbidden'));
    await expect(releasing).rejects.toMatchObject({ status: 403 });
  });
});
