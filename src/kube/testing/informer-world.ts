import { connect } from '../client.ts';
import type { KubeClient } from '../client.ts';
import { Informer } from '../informer.ts';
import type { InformerOptions } from '../informer.ts';
import { Channel } from './channel.ts';
import { recordLog } from './logs.ts';
import { ScriptedApi } from './scripted-api.ts';
import type { Exchange } from './scripted-api.ts';
import { widgets, type Widget } from './widgets.ts';

/** A line of a watch. */
export function line(type: string, object: object): string {
  return `${JSON.stringify({ type, object })}\n`;
}

/** An informer of Widgets, an API server that answers it as the test says, and time that passes as the test says. */
export class InformerWorld implements AsyncDisposable {
  readonly api = new ScriptedApi();
  /** Waits of the informer, each until it is woken. */
  readonly naps = new Channel<{ ms: number; wake: () => void }>();
  /** `type name size` of each change. */
  readonly changes = new Channel<string>();
  readonly log = recordLog();
  readonly silenceMs = 60_000;
  readonly #stop = new AbortController();
  #client: KubeClient | undefined;
  #running: Promise<void> = Promise.resolve();

  static async open(): Promise<InformerWorld> {
    const world = new InformerWorld();
    await world.api.listen();
    return world;
  }

  /** Lists by pages, unless told otherwise. */
  start(options: Partial<InformerOptions<Widget>> = {}): Informer<Widget> {
    const sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
      new Promise((resolve) => {
        signal?.addEventListener('abort', () => resolve());
        this.naps.push({ ms, wake: resolve });
      });
    const timing = { sleep, silenceMs: this.silenceMs, random: () => 0 };
    const client = connect(this.api.kubeConfig(), { fieldManager: 'tester' });
    this.#client = client;
    const { log } = this;
    const informer = new Informer({
      client,
      kind: widgets,
      log,
      timing,
      streamLists: false,
      ...options,
    });
    informer.onChange(({ type, object }) =>
      this.changes.push(`${type} ${object.metadata.name} ${object.spec.size}`),
    );
    this.#running = informer.start(this.#stop.signal);
    return informer;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** The next request, which must be a list. */
  async listed(): Promise<Exchange> {
    return this.#next('a list', ({ query }) => !query.has('watch'));
  }

  async answerList(resourceVersion: number, ...items: object[]): Promise<void> {
    (await this.listed()).answer(200, { metadata: { resourceVersion: String(resourceVersion) }, items });
  }

  /** The next request, which must be a watch that begins with what is there. */
  async streamed(): Promise<Exchange> {
    return this.#next(
      'a stream',
      ({ query }) =>
        query.get('watch') === 'true' &&
        query.get('sendInitialEvents') === 'true' &&
        query.get('resourceVersionMatch') === 'NotOlderThan' &&
        query.get('allowWatchBookmarks') === 'true' &&
        !query.has('resourceVersion'),
    );
  }

  /** The next request, which must be a watch from this resource version. */
  async watchFrom(resourceVersion: number): Promise<Exchange> {
    return this.#next(
      `a watch from ${resourceVersion}`,
      ({ query }) =>
        query.get('watch') === 'true' &&
        query.get('allowWatchBookmarks') === 'true' &&
        query.get('timeoutSeconds') === '300' &&
        query.get('resourceVersion') === String(resourceVersion) &&
        !query.has('sendInitialEvents'),
    );
  }

  /** Ends the informer's next wait; answers how long it would have been. */
  async wake(): Promise<number> {
    const nap = await this.naps.next();
    nap.wake();
    return nap.ms;
  }

  /** The next so many changes, after which there must be no further one. */
  async told(count: number): Promise<string[]> {
    const told: string[] = [];
    while (told.length < count) told.push(await this.changes.next());
    if (this.changes.length > 0) throw new Error(`told also: ${await this.changes.next()}`);
    return told;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.api.close();
    await this.#client?.close();
  }

  async #next(what: string, is: (request: Exchange) => boolean): Promise<Exchange> {
    const request = await this.api.requests.next();
    if (!is(request))
      throw new Error(`${request.method} ${request.path}?${request.query.toString()} is not ${what}`);
    return request;
  }
}
