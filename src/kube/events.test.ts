import { describe, expect, it } from 'vitest';
import { ApiError } from './errors.ts';
import { cutBytes, EventRecorder } from './events.ts';
import type { KubeObject, Live } from './kind.ts';
import { recordLog } from './testing/logs.ts';
import { recordClient } from './testing/recorded-client.ts';
import type { SentRequest } from './testing/recorded-client.ts';

const regarding: Live<KubeObject> = {
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  metadata: { name: 'w'.repeat(250), namespace: 'default', uid: 'u1', resourceVersion: '5' },
};
const text = { type: 'Warning', reason: 'Refused', note: 'no' } as const;

function setUp(failures: Parameters<typeof recordClient>[0] = {}) {
  const { client, sent } = recordClient(failures);
  const log = recordLog();
  const clock = { now: new Date('2026-01-01T00:00:00Z') };
  const now = (): Date => clock.now;
  const recorder = new EventRecorder({
    client,
    log,
    controller: 'example.com/operator',
    instance: 'operator-0',
    now,
  });
  const pass = (seconds: number): void => {
    clock.now = new Date(clock.now.getTime() + seconds * 1000);
  };
  const of = (verb: SentRequest['verb']) => sent.filter((each) => each.verb === verb);
  return { recorder, created: () => of('create'), patched: () => of('patch'), log, pass };
}

describe('an event recorder', () => {
  it('writes an event about the object, within the limits', async () => {
    const { recorder, created } = setUp();
    recorder.record(regarding, { ...text, note: 'é'.repeat(1000) });
    await recorder.flush();
    const [event] = created();
    expect(event?.object).toMatchObject({
      eventTime: '2026-01-01T00:00:00.000000Z',
      type: 'Warning',
      reason: 'Refused',
      action: 'Refused',
      note: 'é'.repeat(512),
      reportingController: 'example.com/operator',
      reportingInstance: 'operator-0',
      regarding: { apiVersion: 'example.com/v1', kind: 'Widget', namespace: 'default', uid: 'u1' },
    });
    expect(event?.namespace).toBe('default');
    expect(event?.name).toHaveLength(253);
  });

  it('puts events about cluster-scoped objects into default', async () => {
    const { recorder, created } = setUp();
    recorder.record({ ...regarding, metadata: { ...regarding.metadata, namespace: undefined } }, text);
    await recorder.flush();
    expect(created()[0]?.namespace).toBe('default');
  });

  it('counts the same event on the first one, once a minute and at the flush', async () => {
    const { recorder, created, patched, pass } = setUp();
    for (const seconds of [0, 10, 10, 50, 10]) {
      pass(seconds);
      recorder.record(regarding, text);
    }
    await recorder.flush();
    expect(created()).toHaveLength(1);
    const [first] = created();
    const at = (lastObservedTime: string, count: number) => ({
      ...first,
      verb: 'patch',
      object: { series: { count, lastObservedTime } },
    });
    expect(patched()).toEqual([at('2026-01-01T00:01:10.000000Z', 4), at('2026-01-01T00:01:20.000000Z', 5)]);
    await recorder.flush();
    expect(patched()).toHaveLength(2);
  });

  it('begins anew for another text, and after ten quiet minutes', async () => {
    const { recorder, created, pass } = setUp();
    recorder.record(regarding, text);
    recorder.record(regarding, { ...text, note: 'still no' });
    pass(601);
    recorder.record(regarding, text);
    await recorder.flush();
    expect(created()).toHaveLength(3);
  });

  it('begins anew when the counted event has expired', async () => {
    const gone = new ApiError({ status: 404, reason: 'NotFound', message: 'gone' });
    const { recorder, created, pass } = setUp({ patch: gone });
    for (const seconds of [0, 60, 60]) {
      pass(seconds);
      recorder.record(regarding, text);
      await recorder.flush();
    }
    expect(created()).toHaveLength(2);
  });

  it('only logs what goes wrong', async () => {
    const { recorder, log } = setUp({ create: new Error('forbidden') });
    recorder.record(regarding, text);
    await recorder.flush();
    expect(log.lines).toEqual(['warn: event was not written']);
  });
});

describe('cutBytes', () => {
  it('never cuts a character in two', () => {
    expect(cutBytes('aé€😀', 100)).toBe('aé€😀');
    expect(cutBytes('aé€😀', 9)).toBe('aé€');
    expect(cutBytes('aé€😀', 5)).toBe('aé');
    expect(cutBytes('aé€😀', 2)).toBe('a');
  });
});
