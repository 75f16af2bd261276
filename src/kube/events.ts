import { randomUUID } from 'node:crypto';
import { events } from './builtin.ts';
import type { KubeClient } from './client.ts';
import { isNotFound } from './errors.ts';
import type { KubeObject, Live } from './kind.ts';
import type { Log } from './log.ts';

export interface EventText {
  type: 'Normal' | 'Warning';
  /** CamelCase, at most 128 characters. */
  reason: string;
  /** For people; cut to 1024 bytes. */
  note: string;
  /** What was being done, CamelCase; default the reason. */
  action?: string | undefined;
}

export interface EventRecorderOptions {
  client: Pick<KubeClient, 'create' | 'patch'>;
  log: Log;
  /** Who reports, e.g. `example.com/operator`. */
  controller: string;
  /** Which instance of it: the pod's name; cut to 128 characters. */
  instance: string;
  now?: (() => Date) | undefined;
}

/** An event that says the same within this time of the last one is counted on that one. */
const sameEventMs = 10 * 60_000;
/** A count is written this often at most. */
const countEveryMs = 60_000;
const remembered = 1024;

interface Series {
  name: string;
  namespace: string;
  count: number;
  writtenCount: number;
  writtenAt: number;
  lastAt: Date;
  /** Settles when everything sent so far is answered; never rejects. */
  sent: Promise<void>;
}

/** Writes events.k8s.io/v1 Events. Best effort: nobody waits for an event, and a lost one is only logged. */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  /** The longest silent one first. */
  readonly #series = new Map<string, Series>();

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  /** Returns at once; what goes wrong is logged. */
  record(regarding: Live<KubeObject>, text: EventText): void {
    const now = this.#options.now?.() ?? new Date();
    const { uid } = regarding.metadata;
    const key = JSON.stringify([uid, text.type, text.reason, text.action, text.note]);
    const known = this.#series.get(key);
    this.#series.delete(key);
    if (known === undefined || now.getTime() - known.lastAt.getTime() > sameEventMs) {
      this.#series.set(key, this.#begin(regarding, text, now));
      const [oldest] = this.#series.keys();
      if (this.#series.size > remembered && oldest !== undefined) this.#series.delete(oldest);
      return;
    }
    this.#series.set(key, known);
    known.count += 1;
    known.lastAt = now;
    if (now.getTime() - known.writtenAt >= countEveryMs) this.#writeCount(known, now);
  }

  /** Writes the counts that are still to be written; resolves when everything sent is answered. */
  async flush(): Promise<void> {
    const now = this.#options.now?.() ?? new Date();
    for (const series of this.#series.values()) {
      if (series.count > series.writtenCount) this.#writeCount(series, now);
    }
    await Promise.all([...this.#series.values()].map((series) => series.sent));
  }

  #begin(regarding: Live<KubeObject>, text: EventText, now: Date): Series {
    const { client, controller, instance, log } = this.#options;
    const { name: regardingName, namespace: regardingNamespace, uid, resourceVersion } = regarding.metadata;
    // Events about cluster-scoped objects live in `default`, as kubectl and client-go have it.
    const namespace = regardingNamespace ?? 'default';
    const name = `${regardingName.slice(0, 253 - 17)}.${randomUUID().replaceAll('-', '').slice(0, 16)}`;
    const event = {
      metadata: { name, namespace },
      eventTime: microTime(now),
      type: text.type,
      reason: text.reason.slice(0, 128),
      action: (text.action ?? text.reason).slice(0, 128),
      note: cutBytes(text.note, 1024),
      regarding: {
        apiVersion: regarding.apiVersion,
        kind: regarding.kind,
        name: regardingName,
        namespace: regardingNamespace,
        uid,
        resourceVersion,
      },
      reportingController: controller,
      reportingInstance: instance.slice(0, 128),
    };
    const sent = client.create(events, event).then(nothing, (error: unknown) => {
      log.warn({ err: error, namespace, event }, 'event was not written');
    });
    return { name, namespace, count: 1, writtenCount: 1, writtenAt: now.getTime(), lastAt: now, sent };
  }

  #writeCount(series: Series, now: Date): void {
    const { client, log } = this.#options;
    const { name, namespace, count, lastAt } = series;
    series.writtenAt = now.getTime();
    series.writtenCount = count;
    const patch = { series: { count, lastObservedTime: microTime(lastAt) } };
    series.sent = series.sent
      .then(() => client.patch(events, { name, namespace }, patch))
      .then(nothing, (error: unknown) => {
        // The API server drops events after an hour: the next one begins anew.
        if (isNotFound(error)) this.#drop(series);
        else log.warn({ err: error, namespace, name }, 'count of an event was not written');
      });
  }

  #drop(series: Series): void {
    for (const [key, each] of this.#series) if (each === series) this.#series.delete(key);
  }
}

const nothing = (): undefined => undefined;

/** metav1.MicroTime: always six digits of fraction. */
export function microTime(time: Date): string {
  return time.toISOString().replace('Z', '000Z');
}

/** At most so many bytes of UTF-8, without a character cut in two. */
export function cutBytes(text: string, bytes: number): string {
  const encoded = new TextEncoder().encode(text);
  if (encoded.length <= bytes) return text;
  let end = bytes;
  while (((encoded[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return new TextDecoder().decode(encoded.subarray(0, end));
}
