import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { jobs, pods } from './builtin.ts';
import { connect } from './client.ts';
import type { KubeClient } from './client.ts';
import { ScriptedApi } from './testing/scripted-api.ts';

let api: ScriptedApi;
let client: KubeClient;
const waits: number[] = [];

function connected(requestTimeoutMs = 30_000): KubeClient {
  const sleep = (ms: number): Promise<void> => {
    waits.push(ms);
    return Promise.resolve();
  };
  return connect(api.kubeConfig(), { fieldManager: 'tester', sleep, requestTimeoutMs });
}

beforeEach(async () => {
  waits.length = 0;
  api = new ScriptedApi();
  await api.listen();
  client = connected();
});
afterEach(async () => {
  await client.close();
  await api.close();
});

const ref = { namespace: 'default', name: 'pull' };
const status = (code: number, reason: string, message: string, details?: object) => ({
  kind: 'Status',
  status: 'Failure',
  code,
  reason,
  message,
  details,
});

describe('requests', () => {
  it('apply with the field manager, by force, with apiVersion and kind', async () => {
    const applied = client.apply(jobs, { metadata: ref, spec: undefined });
    const request = await api.requests.next();
    expect(request).toMatchObject({ method: 'PATCH', path: '/apis/batch/v1/namespaces/default/jobs/pull' });
    expect(Object.fromEntries(request.query)).toEqual({ fieldManager: 'tester', force: 'true' });
    expect(request.headers).toMatchObject({
      'content-type': 'application/apply-patch+yaml',
      'user-agent': 'tester',
    });
    expect(JSON.parse(request.body)).toEqual({ apiVersion: 'batch/v1', kind: 'Job', metadata: ref });
    request.answer(200, { metadata: { ...ref, uid: 'u1' } });
    expect((await applied).metadata.uid).toBe('u1');
  });

  it('apply the status to its subresource', async () => {
    const applied = client.applyStatus(jobs, { metadata: ref, status: { active: 1 } }, { force: false });
    const request = await api.requests.next();
    expect(request.path).toBe('/apis/batch/v1/namespaces/default/jobs/pull/status');
    expect(request.query.get('force')).toBe('false');
    request.answer(200, {});
    await applied;
  });

  it('list across namespaces and name the kind of each item', async () => {
    const listed = client.list(pods, { labelSelector: 'a=b', limit: 2 });
    const request = await api.requests.next();
    expect(request.path).toBe('/api/v1/pods');
    expect(Object.fromEntries(request.query)).toEqual({ labelSelector: 'a=b', limit: '2' });
    request.answer(200, { metadata: { resourceVersion: '9', continue: 'next' }, items: [{ metadata: ref }] });
    expect(await listed).toEqual({
      resourceVersion: '9',
      continue: 'next',
      items: [{ apiVersion: 'v1', kind: 'Pod', metadata: ref }],
    });
  });

  it('delete in the background with preconditions, and are content when it is gone', async () => {
    const deleted = client.delete(jobs, ref, { preconditions: { uid: 'u1' } });
    const request = await api.requests.next();
    expect(JSON.parse(request.body)).toMatchObject({
      propagationPolicy: 'Background',
      preconditions: { uid: 'u1' },
    });
    request.answer(404, status(404, 'NotFound', 'gone'));
    await expect(deleted).resolves.toBeUndefined();
  });

  it('merge-patch', async () => {
    const patched = client.patch(jobs, ref, { metadata: { finalizers: [] } });
    const request = await api.requests.next();
    expect(request.headers['content-type']).toBe('application/merge-patch+json');
    request.answer(200, {});
    await patched;
  });

  it('read logs as text', async () => {
    const read = client.readLog({ namespace: 'default', name: 'p' }, { container: 'c', tailLines: 3 });
    const request = await api.requests.next();
    expect(request.path).toBe('/api/v1/namespaces/default/pods/p/log');
    expect(Object.fromEntries(request.query)).toEqual({ container: 'c', tailLines: '3' });
    request.answer(200, 'one\ntwo\n');
    expect(await read).toBe('one\ntwo\n');
  });

  it('tell who has written an object, but for its subresources', async () => {
    const managers = client.managersOf(jobs, ref);
    const request = await api.requests.next();
    expect(request.path).toBe('/apis/batch/v1/namespaces/default/jobs/pull');
    const managedFields = [
      { manager: 'kubectl', operation: 'Apply' },
      { manager: 'kubectl', operation: 'Update' },
      { manager: 'operator', subresource: 'status' },
      { operation: 'Update' },
    ];
    request.answer(200, { metadata: { ...ref, managedFields } });
    expect(await managers).toEqual(['kubectl', 'unknown']);
  });

  it('refuse to name a collection where an object is meant', async () => {
    await expect(client.delete(jobs, { namespace: 'default', name: '' })).rejects.toThrow('a name is needed');
    await expect(client.delete(jobs, { name: 'pull' })).rejects.toThrow('a namespace is needed');
    expect(api.requests.length).toBe(0);
  });
});

describe('errors', () => {
  it('carry status, reason, causes and what was asked', async () => {
    const got = client.get(jobs, ref);
    const details = { causes: [{ reason: 'FieldValueInvalid', field: 'spec', message: 'm' }] };
    (await api.requests.next()).answer(422, status(422, 'Invalid', 'spec is wrong', details));
    await expect(got).rejects.toMatchObject({
      name: 'ApiError',
      status: 422,
      reason: 'Invalid',
      causes: ['FieldValueInvalid'],
      message: 'GET /apis/batch/v1/namespaces/default/jobs/pull: spec is wrong',
    });
  });

  it('call a uid that is not the one a conflict', async () => {
    const applied = client.apply(jobs, { metadata: { ...ref, uid: 'old' } });
    const details = {
      causes: [{ reason: 'FieldValueInvalid', field: 'metadata.uid', message: 'immutable' }],
    };
    (await api.requests.next()).answer(422, status(422, 'Invalid', 'uid', details));
    await expect(applied).rejects.toMatchObject({ status: 409, reason: 'Conflict' });
  });

  it('cope with an answer that is no Status', async () => {
    const got = client.get(jobs, ref);
    (await api.requests.next()).answer(502, '<html>Bad Gateway</html>');
    await expect(got).rejects.toMatchObject({ status: 502, reason: 'Unknown' });
  });

  it('say Unreachable when the connection is cut or refused', async () => {
    const got = client.get(jobs, ref);
    (await api.requests.next()).cut();
    await expect(got).rejects.toMatchObject({ status: 0, reason: 'Unreachable' });
    await api.close();
    await expect(client.get(jobs, ref)).rejects.toMatchObject({ status: 0, reason: 'Unreachable' });
  });

  it('say Timeout when no answer comes in time', async () => {
    const impatient = connected(50);
    await expect(impatient.get(jobs, ref)).rejects.toMatchObject({ status: 0, reason: 'Timeout' });
    await impatient.close();
  });

  it("are the caller's own when the caller gives up", async () => {
    const stop = new AbortController();
    const got = client.get(jobs, ref, { signal: stop.signal });
    await api.requests.next();
    stop.abort(new Error('enough'));
    await expect(got).rejects.toThrow('enough');
  });
});

describe('a server that asks to be left alone', () => {
  it('is asked again after Retry-After, three times', async () => {
    const applied = client.apply(jobs, { metadata: ref });
    for (const seconds of ['1', '2', '3']) {
      (await api.requests.next()).answer(429, status(429, 'TooManyRequests', 'slow'), {
        'retry-after': seconds,
      });
    }
    (await api.requests.next()).answer(200, { metadata: ref });
    await applied;
    expect(waits).toEqual([1000, 2000, 3000]);
  });

  it('is not waited for when it takes too long: the caller learns how long', async () => {
    const applied = client.apply(jobs, { metadata: ref });
    (await api.requests.next()).answer(503, status(503, 'ServiceUnavailable', 'down'), {
      'retry-after': '60',
    });
    await expect(applied).rejects.toMatchObject({ status: 503, retryAfterSeconds: 60 });
    expect(waits).toEqual([]);
  });
});
