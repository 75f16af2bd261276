import type { KubeConfig } from '@kubernetes/client-node';
import { sleep, withRetries } from './backoff.ts';
import type { Sleep } from './backoff.ts';
import { ApiError, apiErrorFrom } from './errors.ts';
import type { StatusBody } from './errors.ts';
import { pods } from './builtin.ts';
import { pathOf } from './kind.ts';
import type { Desired, Kind, KubeObject, Live, ObjectMeta, Ref } from './kind.ts';
import { withoutManagedFields } from './managed-fields.ts';
import { deadlineAfter, lines, Transport } from './transport.ts';
import type { HttpRequest, HttpResponse } from './transport.ts';

export interface CallOptions {
  signal?: AbortSignal | undefined;
}

export interface WriteOptions extends CallOptions {
  /** Called right before the request is sent, each time: also after a wait that the server asked for. May throw. */
  beforeSend?: (() => void) | undefined;
}

export interface ListOptions extends CallOptions {
  /** Absent: all namespaces. */
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  limit?: number | undefined;
  continue?: string | undefined;
}

export interface List<T extends KubeObject> {
  items: Live<T>[];
  resourceVersion: string;
  /** Set when there are more pages. */
  continue: string | undefined;
}

export interface WatchOptions extends ListOptions {
  /** Where the watch goes on; needed unless it begins with what is there. */
  resourceVersion?: string | undefined;
  /**
   * Begins with an ADDED for everything that is there now, in any order, and a bookmark that says `initialEventsEnd`
   * (https://kubernetes.io/docs/reference/using-api/api-concepts/#streaming-lists). Servers before 1.32, and those
   * that have it switched off, refuse it: Invalid.
   */
  initialEvents?: boolean | undefined;
  /** How long the server keeps the stream open. */
  timeoutSeconds: number;
  /** The stream is given up when no byte came for this long, the answer's headers included. */
  silenceMs: number;
}

export type WatchEvent<T extends KubeObject> =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: Live<T> }
  | { type: 'BOOKMARK'; resourceVersion: string; initialEventsEnd?: boolean };

export interface ApplyOptions extends WriteOptions {
  fieldManager?: string | undefined;
  /** Take fields from other managers; default true. */
  force?: boolean | undefined;
}

export interface DeleteOptions extends WriteOptions {
  /** Default Background: the API's own default would orphan the pods of a Job. */
  propagationPolicy?: 'Background' | 'Foreground' | 'Orphan' | undefined;
  preconditions?: { uid?: string | undefined; resourceVersion?: string | undefined } | undefined;
  gracePeriodSeconds?: number | undefined;
}

export interface LogOptions extends CallOptions {
  container?: string | undefined;
  tailLines?: number | undefined;
  limitBytes?: number | undefined;
  previous?: boolean | undefined;
}

/**
 * Typed requests to one API server. Objects come back as the server sent them, without managedFields: a Kind's schema
 * is not applied here (the informer does that). Every call rejects with ApiError, or with the reason of its own aborted signal.
 */
export interface KubeClient {
  get<T extends KubeObject>(kind: Kind<T>, ref: Ref, options?: CallOptions): Promise<Live<T>>;
  /** Who has written the object, but for its subresources: the managers in its `managedFields`. */
  managersOf<T extends KubeObject>(kind: Kind<T>, ref: Ref, options?: CallOptions): Promise<string[]>;
  list<T extends KubeObject>(kind: Kind<T>, options?: ListOptions): Promise<List<T>>;
  /** Ends when the server closes the stream; an ERROR event rejects with its ApiError (410: list again). */
  watch<T extends KubeObject>(kind: Kind<T>, options: WatchOptions): AsyncIterable<WatchEvent<T>>;
  create<T extends KubeObject>(kind: Kind<T>, object: Desired<T>, options?: WriteOptions): Promise<Live<T>>;
  /**
   * Server-side apply: fields that this manager applied before and that are not in `object` are removed. Makes the
   * object when it does not exist. metadata.uid and metadata.resourceVersion, when given, are preconditions, and a
   * Conflict when they fail.
   */
  apply<T extends KubeObject>(kind: Kind<T>, object: Desired<T>, options?: ApplyOptions): Promise<Live<T>>;
  /**
   * Server-side apply to /status; NotFound when the object does not exist. metadata.resourceVersion is a precondition;
   * metadata.uid is not for custom resources.
   */
  applyStatus<T extends KubeObject>(
    kind: Kind<T>,
    object: Desired<T>,
    options?: ApplyOptions,
  ): Promise<Live<T>>;
  /** JSON merge patch (RFC 7386); with metadata.resourceVersion in it, a stale one is a Conflict. */
  patch<T extends KubeObject>(
    kind: Kind<T>,
    ref: Ref,
    patch: object,
    options?: WriteOptions,
  ): Promise<Live<T>>;
  /** Resolves also when the object is already gone. */
  delete<T extends KubeObject>(kind: Kind<T>, ref: Ref, options?: DeleteOptions): Promise<void>;
  readLog(pod: Ref, options?: LogOptions): Promise<string>;
  /** Waits for requests in flight, then closes the connections. */
  close(): Promise<void>;
}

export interface ConnectOptions {
  /** The field manager of every write. */
  fieldManager: string;
  userAgent?: string | undefined;
  /** For a whole request except a watch; default 30 s. */
  requestTimeoutMs?: number | undefined;
  sleep?: Sleep | undefined;
}

/** How often, and how long at most, a request waits for a server that says when to come back. */
const retries = { retries: 3, longestWaitMs: 5000 };

export function connect(kubeConfig: KubeConfig, options: ConnectOptions): KubeClient {
  const transport = new Transport(kubeConfig, options.userAgent ?? options.fieldManager);
  const timeoutMs = options.requestTimeoutMs ?? 30_000;
  const policy = { ...retries, sleep: options.sleep ?? sleep };

  const text = (request: HttpRequest, { signal, beforeSend }: WriteOptions): Promise<string> =>
    withRetries(
      async () => {
        using deadline = deadlineAfter(timeoutMs, `${request.method} ${request.path}`, signal);
        const response = await transport.send(request, deadline.signal, beforeSend);
        const body = await response.text();
        if (response.status >= 300) throw failure(request, response, body);
        return body;
      },
      policy,
      signal,
    );
  const json = async <R>(request: HttpRequest, call: WriteOptions): Promise<R> =>
    parse(await text(request, call)) as R;

  const applyTo = async <T extends KubeObject>(
    kind: Kind<T>,
    object: Desired<T>,
    { fieldManager = options.fieldManager, force = true, ...call }: ApplyOptions,
    subresource?: string,
  ): Promise<Live<T>> =>
    json(
      {
        method: 'PATCH',
        path: objectPath(kind, object.metadata, subresource),
        query: { fieldManager, force },
        contentType: 'application/apply-patch+yaml',
        body: withKind(kind, object),
      },
      call,
    );

  return {
    get: (kind, ref, call = {}) => json({ method: 'GET', path: objectPath(kind, ref) }, call),

    managersOf: async (kind, ref, call = {}) => {
      const whole = await text({ method: 'GET', path: objectPath(kind, ref) }, call);
      const { metadata } = JSON.parse(whole) as { metadata: { managedFields?: ManagedFields[] } };
      const own = (metadata.managedFields ?? []).filter(({ subresource }) => !subresource);
      return [...new Set(own.map(({ manager }) => manager ?? 'unknown'))];
    },

    list: async <T extends KubeObject>(kind: Kind<T>, { namespace, signal, ...query }: ListOptions = {}) => {
      const path = pathOf(kind, { namespace });
      const body = await json<ListBody<T>>({ method: 'GET', path, query }, { signal });
      return {
        // The API server leaves these two out of the items of built-in kinds.
        items: body.items.map((item) => withKind(kind, item)),
        resourceVersion: body.metadata.resourceVersion,
        continue: body.metadata.continue || undefined,
      };
    },

    async *watch<T extends KubeObject>(kind: Kind<T>, watch: WatchOptions): AsyncIterable<WatchEvent<T>> {
      const { namespace, signal, silenceMs, initialEvents, ...query } = watch;
      const initial = { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' };
      const request: HttpRequest = {
        method: 'GET',
        path: pathOf(kind, { namespace }),
        query: { ...query, ...(initialEvents && initial), watch: true, allowWatchBookmarks: true },
      };
      using deadline = deadlineAfter(silenceMs, `watch of ${request.path}`, signal);
      const response = await transport.send(request, deadline.signal);
      if (response.status !== 200) throw failure(request, response, await response.text());
      for await (const line of lines(response.body, deadline.extend)) yield watchEvent<T>(request, line);
    },

    create: (kind, object, call = {}) =>
      json(
        {
          method: 'POST',
          path: pathOf(kind, { namespace: object.metadata?.namespace }),
          query: { fieldManager: options.fieldManager },
          body: withKind(kind, object),
        },
        call,
      ),

    apply: (kind, object, apply = {}) => applyTo(kind, object, apply),
    applyStatus: (kind, object, apply = {}) => applyTo(kind, object, apply, 'status'),

    patch: (kind, ref, patch, call = {}) =>
      json(
        {
          method: 'PATCH',
          path: objectPath(kind, ref),
          query: { fieldManager: options.fieldManager },
          contentType: 'application/merge-patch+json',
          body: patch,
        },
        call,
      ),

    delete: async (kind, ref, { signal, beforeSend, propagationPolicy = 'Background', ...rest } = {}) => {
      const body = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy, ...rest };
      try {
        await text({ method: 'DELETE', path: objectPath(kind, ref), body }, { signal, beforeSend });
      } catch (error) {
        if (!(error instanceof ApiError && error.status === 404)) throw error;
      }
    },

    readLog: (pod, { signal, ...query } = {}) =>
      text({ method: 'GET', path: objectPath(pods, pod, 'log'), query: { ...query } }, { signal }),

    close: () => transport.close(),
  };
}

/** metav1.ManagedFieldsEntry, as far as it is read here. */
interface ManagedFields {
  manager?: string;
  subresource?: string;
}

interface ListBody<T extends KubeObject> {
  items: Live<T>[];
  metadata: { resourceVersion: string; continue?: string };
}

function withKind<T extends KubeObject, O extends Desired<T>>(kind: Kind<T>, object: O): O {
  return { ...object, apiVersion: kind.apiVersion, kind: kind.kind };
}

function objectPath<T extends KubeObject>(
  kind: Kind<T>,
  ref: ObjectMeta | undefined,
  subresource?: string,
): string {
  // Without these the path would name a whole collection, which a DELETE would then empty.
  if (!ref?.name) throw new TypeError(`${kind.kind}: a name is needed`);
  if (kind.namespaced && !ref.namespace)
    throw new TypeError(`${kind.kind} ${ref.name}: a namespace is needed`);
  return pathOf(kind, { namespace: ref.namespace, name: ref.name }, subresource);
}

function failure(request: HttpRequest, response: HttpResponse, body: string): ApiError {
  return apiErrorFrom(`${request.method} ${request.path}`, response.status, body, response.retryAfter);
}

type WatchLine<T extends KubeObject> =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: Live<T> }
  | { type: 'BOOKMARK'; object: Live<KubeObject> }
  | { type: 'ERROR'; object: StatusBody };

function watchEvent<T extends KubeObject>(request: HttpRequest, line: string): WatchEvent<T> {
  const event = parse(line) as WatchLine<T>;
  if (event.type === 'BOOKMARK') {
    const { resourceVersion, annotations } = event.object.metadata;
    const initialEventsEnd = annotations?.['k8s.io/initial-events-end'] === 'true';
    return { type: 'BOOKMARK', resourceVersion, ...(initialEventsEnd && { initialEventsEnd }) };
  }
  if (event.type !== 'ERROR') return event;
  throw apiErrorFrom(`watch of ${request.path}`, event.object.code ?? 500, JSON.stringify(event.object));
}

function parse(text: string): unknown {
  return JSON.parse(withoutManagedFields(text));
}
