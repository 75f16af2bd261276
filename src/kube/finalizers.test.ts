import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connect, type KubeClient } from './client.ts';
import { addFinalizer, hasFinalizer, removeFinalizer } from './finalizers.ts';
import type { Live } from './kind.ts';
import { ScriptedApi } from './testing/scripted-api.ts';
import { liveWidget, widgets, type Widget } from './testing/widgets.ts';

const ours = 'example.com/ours';
const others = 'example.com/others';
const path = '/apis/example.com/v1/namespaces/default/widgets/w';

/** A Widget with these finalizers, at version 5 as the writer knows it. */
function widget(...finalizers: string[]): Live<Widget> {
  const object = liveWidget('w', 5);
  return { ...object, metadata: { ...object.metadata, finalizers } };
}

/** What a write of these finalizers is answered with. */
function written(...finalizers: string[]): { metadata: object } {
  const { metadata, ...rest } = widget(...finalizers);
  return { ...rest, metadata: { ...metadata, resourceVersion: '6' } };
}

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

const status = (code: number, reason: string): object => ({ kind: 'Status', code, reason, message: reason });

describe('hasFinalizer', () => {
  it('goes by the whole name', () => {
    expect(hasFinalizer(widget(others, ours), ours)).toBe(true);
    expect(hasFinalizer(widget(`${ours}-too`), ours)).toBe(false);
    expect(hasFinalizer({}, ours)).toBe(false);
  });
});

describe('adding a finalizer', () => {
  it('sends the whole list, with those of others, for this very version, and answers with what is there', async () => {
    const adding = addFinalizer(client, widgets, widget(others), ours);
    const request = await api.requests.next();
    expect(request).toMatchObject({ method: 'PATCH', path });
    expect(request.headers['content-type']).toBe('application/merge-patch+json');
    expect(JSON.parse(request.body)).toEqual({
      metadata: { resourceVersion: '5', finalizers: [others, ours] },
    });
    request.answer(200, written(others, ours));
    expect(await adding).toMatchObject({ metadata: { resourceVersion: '6', finalizers: [others, ours] } });
  });

  it('of an object without any sends that one', async () => {
    const { finalizers: _, ...metadata } = liveWidget('w', 5).metadata;
    const adding = addFinalizer(client, widgets, { ...liveWidget('w', 5), metadata }, ours);
    const request = await api.requests.next();
    expect(JSON.parse(request.body)).toMatchObject({ metadata: { finalizers: [ours] } });
    request.answer(200, widget(ours));
    await adding;
  });

  it('that is there sends nothing', async () => {
    const object = widget(ours, others);
    expect(await addFinalizer(client, widgets, object, ours)).toBe(object);
    expect(api.requests.length).toBe(0);
  });

  it.for([
    ['another version is there by now', 409, 'Conflict'],
    ['the object is gone', 404, 'NotFound'],
    ['it is being deleted', 422, 'Invalid'],
  ] as const)('fails when %s', async ([, code, reason]) => {
    const adding = addFinalizer(client, widgets, widget(), ours);
    (await api.requests.next()).answer(code, status(code, reason));
    await expect(adding).rejects.toMatchObject({ status: code, reason });
    expect(api.requests.length).toBe(0);
  });
});

describe('removing a finalizer', () => {
  it('leaves those of others, for this very version, and answers with what is there', async () => {
    const removing = removeFinalizer(client, widgets, widget('a/a', ours, others), ours);
    const request = await api.requests.next();
    expect(request).toMatchObject({ method: 'PATCH', path });
    expect(JSON.parse(request.body)).toEqual({
      metadata: { resourceVersion: '5', finalizers: ['a/a', others] },
    });
    request.answer(200, written('a/a', others));
    expect(await removing).toMatchObject({ metadata: { resourceVersion: '6', finalizers: ['a/a', others] } });
  });

  it('that is not there sends nothing', async () => {
    const object = widget(others);
    expect(await removeFinalizer(client, widgets, object, ours)).toBe(object);
    expect(api.requests.length).toBe(0);
  });

  it('of an object that is gone is a success', async () => {
    const removing = removeFinalizer(client, widgets, widget(ours), ours);
    (await api.requests.next()).answer(404, status(404, 'NotFound'));
    expect(await removing).toBeUndefined();
  });

  it('is left to the caller to do again when another version is there by now', async () => {
    const removing = removeFinalizer(client, widgets, widget(ours), ours);
    (await api.requests.next()).answer(409, status(409, 'Conflict'));
    await expect(removing).rejects.toMatchObject({ status: 409 });
    expect(api.requests.length).toBe(0);
  });

  it('is given up with the caller’s signal', async () => {
    const stop = new AbortController();
    const removing = removeFinalizer(client, widgets, widget(ours), ours, stop.signal);
    await api.requests.next();
    stop.abort(new Error('enough'));
    await expect(removing).rejects.toThrow('enough');
  });
});
