/**
 * Loaded into the operator with `--import`: counts what it asks of the API server and notes how long an object that is
 * new to it waits for its first write. Works from undici's diagnostics channels, so that the operator is the one people
 * run, no proxy takes a share of the machine, and both times come from one clock.
 */
import { subscribe } from 'node:diagnostics_channel';

/** What the bench is told when it asks; counted from the start of the process. */
export interface Observed {
  /** Namespace, empty for all -> `PATCH models/status` -> how often; watches are `WATCH models`. */
  requests: Record<string, Record<string, number>>;
  /** Milliseconds since 1970 at which the last request left that is not a watch; 0: none did. */
  lastRequestAt: number;
  /** Requests to pods. */
  polls: number;
  /** New object -> milliseconds from the arrival of its event to the first write about it. */
  waits: [name: string, ms: number][];
  /** Answers of 400 and above: `409 PATCH models/status` -> how often. */
  refused: Record<string, number>;
  /** Megabytes (2^20) of the JavaScript heap in use, garbage included, and of buffers outside of it. */
  heap: { usedMb: number; externalMb: number };
  /** Milliseconds that the event loop was busy, and that it waited. */
  eventLoop: { active: number; idle: number };
}

interface Asked {
  method: string;
  path: string;
  body: unknown;
}

const requests: Observed['requests'] = {};
let lastRequestAt = 0;
let polls = 0;
const waits: Observed['waits'] = [];
const arrivedAt = new Map<string, number>();
/** The beginning of an event whose end is still to come, by watch. */
const cutOff = new WeakMap<Asked, string>();
const refused: Observed['refused'] = {};

subscribe('undici:request:create', (message) => {
  const { method, path, body } = (message as { request: Asked }).request;
  if (!path.startsWith('/api')) {
    polls += 1;
    return;
  }
  const isWatch = path.includes('watch=true');
  const { namespace, resource, name } = partsOf(path);
  const key = `${isWatch ? 'WATCH' : method} ${resource}`;
  const counts = (requests[namespace] ??= {});
  counts[key] = (counts[key] ?? 0) + 1;
  if (!isWatch && resource !== 'leases') lastRequestAt = Date.now();
  if (method !== 'GET') written(name === '' ? nameIn(body) : name);
});

subscribe('undici:request:headers', (message) => {
  const { request, response } = message as { request: Asked; response: { statusCode: number } };
  if (response.statusCode < 400 || !request.path.startsWith('/api')) return;
  const key = `${response.statusCode} ${request.method} ${partsOf(request.path).resource}`;
  refused[key] = (refused[key] ?? 0) + 1;
});

subscribe('undici:request:bodyChunkReceived', (message) => {
  const { request, chunk } = message as { request: Asked; chunk: Buffer };
  if (!/\/(models|modelservers)\?.*watch=true/.test(request.path)) return;
  const now = performance.now();
  const text = (cutOff.get(request) ?? '') + chunk.toString('latin1');
  for (const [, name = ''] of text.matchAll(added)) {
    if (!arrivedAt.has(name)) arrivedAt.set(name, now);
  }
  // An event has arrived when its last byte has.
  cutOff.set(request, text.slice(text.lastIndexOf('\n') + 1));
});

/** Members of metadata come in alphabetical order, and none before `name` has one of that name. */
const added = /"type":"ADDED","object":\{[^\n]*?"name":"([^"]+)"[^\n]*\n/g;

/** Of an object that is sent to be made: metadata comes first in what the operator sends. */
function nameIn(body: unknown): string {
  return Buffer.isBuffer(body) ? (/"name":"([^"]+)"/.exec(body.toString('latin1'))?.[1] ?? '') : '';
}

function written(name: string): void {
  // Jobs are named after their Model.
  const about = name.replace(/-(inspect|pull)-.*/, '');
  const since = arrivedAt.get(about);
  if (since === undefined || since < 0) return;
  waits.push([about, performance.now() - since]);
  // Stays known: a second event `added`, after a new list, is not a new object.
  arrivedAt.set(about, -1);
}

/** `/apis/GROUP/VERSION/namespaces/NAMESPACE/RESOURCE/NAME/SUBRESOURCE?...`; the namespace may be left out. */
function partsOf(path: string): { namespace: string; resource: string; name: string } {
  const [, api, ...rest] = (path.split('?')[0] ?? '').split('/');
  const inGroup = rest.slice(api === 'apis' ? 2 : 1);
  const isScoped = inGroup[0] === 'namespaces' && inGroup.length > 2;
  const [resource = '', name = '', subresource] = isScoped ? inGroup.slice(2) : inGroup;
  const namespace = isScoped ? (inGroup[1] ?? '') : '';
  return { namespace, resource: subresource === undefined ? resource : `${resource}/${subresource}`, name };
}

process.on('message', () => {
  const { active, idle } = performance.eventLoopUtilization();
  const eventLoop = { active, idle };
  const { heapUsed, external } = process.memoryUsage();
  const heap = { usedMb: heapUsed / 2 ** 20, externalMb: external / 2 ** 20 };
  process.send?.({ requests, lastRequestAt, polls, waits, refused, heap, eventLoop } satisfies Observed);
});
// Whoever asks must not keep the operator alive.
process.channel?.unref();
