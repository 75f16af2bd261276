import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request, type Dispatcher } from 'undici';
import { runtimePort } from '../../src/protocols/runtime.ts';
import { aPod, aServer } from '../../src/gateway/testing/objects.ts';
import { latencyOf, type Latency } from '../bench/latency.ts';
import { figuresOf } from '../bench/processes.ts';
import { GatewayProcess } from '../integration/gateway-process.ts';
import { startPlayedCluster } from './played-cluster.ts';
import { startReplica, type Conduct, type PlayedReplica } from './played-replica.ts';

export interface LoadOptions {
  requests: number;
  /** Open at the same time. */
  streams: number;
  /** Who ask at the same time, beside the streams. */
  clients: number;
  /** Who do not read what they asked for. */
  unread: number;
}

/** What became of a request. */
export type Outcome = 'answered' | 'streamed' | 'left' | 'refused' | 'broken off';

export interface LoadFigures {
  outcomes: Record<Outcome, number>;
  /** What was not as it should be. */
  wrong: string[];
  /** To the end of an answer: from the replica itself, and through the gateway. */
  latency: { direct: Latency; through: Latency };
  requestsPerSecond: number;
  /** Megabytes of the gateway: before, after half of the requests and after all, with all streams open, with answers that are not read. */
  memory: { idle: number; half: number; all: number; streams: number; unread: number };
  /** Megabytes that a replica got rid of for each client that does not read, at most. */
  ahead: number;
  /** With all streams open. */
  open: { underway: number };
  /** When everybody is gone. */
  left: { underway: number; sockets: number; connections: number };
  /** Lines of its log that are warnings of Node or errors. */
  complaints: string[];
}

/** In turns: most are answered at once, as most requests are. */
const turns: readonly [Outcome, Conduct, model: string][] = [
  ...Array.from({ length: 14 }, (): [Outcome, Conduct, string] => ['answered', 'answer', 'chat']),
  ['streamed', 'stream', 'chat'],
  ['streamed', 'stream', 'chat'],
  ['left', 'hold', 'chat'],
  ['left', 'hold', 'chat'],
  ['refused', 'answer', 'nobody'],
  ['broken off', 'crash', 'chat'],
];

/** The environment of image and chart. Of the 512 MiB that the chart gives, V8 takes half for old objects. */
const asInItsPod = {
  MALLOC_ARENA_MAX: '1',
  NODE_OPTIONS: '--max-semi-space-size=4 --max-old-space-size=256',
};

const patienceMs = 30_000;

/** Runs the gateway as a process, in front of two replicas and of a cluster that are played, and asks it as much as is said. */
export async function loadGateway(options: LoadOptions): Promise<LoadFigures> {
  await using stack = new AsyncDisposableStack();
  const replicas = await Promise.all([startReplica(), startReplica()]);
  for (const replica of replicas) stack.defer(() => replica.close());
  const server = aServer('chat');
  const cluster = await startPlayedCluster({
    models: [],
    modelservers: [server],
    pods: replicas.map(({ ip }) => aPod(server, ip)),
  });
  stack.defer(() => cluster.close());
  const gateway = stack.use(
    await GatewayProcess.start({
      kubeconfig: cluster.kubeconfig,
      namespace: 'team',
      cluster: cluster.folder,
      environment: asInItsPod,
    }),
  );
  const clients = stack.adopt(new Agent({ pipelining: 1, keepAliveTimeout: 1000 }), (agent) =>
    agent.destroy(),
  );
  return await measured(gateway, replicas, clients, options);
}

async function measured(
  gateway: GatewayProcess,
  replicas: readonly PlayedReplica[],
  clients: Agent,
  { requests, streams, clients: many, unread }: LoadOptions,
): Promise<LoadFigures> {
  const [first] = replicas;
  if (!first) throw new Error('no replica');
  const rss = async (): Promise<number> => (await figuresOf(gateway.pid)).rssMb;
  const asker = new Asker(gateway.url, clients);
  const idle = { rss: await rss(), ...(await atRest(gateway, replicas, 0)) };

  // Code becomes warm.
  await asker.ask(Math.min(requests, 400), many);
  const latency = await compared(gateway.url, `http://${first.ip}:${runtimePort}`, clients, requests / 10);

  const counted = new Asker(gateway.url, clients);
  const started = performance.now();
  await counted.ask(requests / 2, many);
  const half = await rss();
  await counted.ask(requests / 2, many);
  const seconds = (performance.now() - started) / 1000;
  const all = await rss();

  const opened = await Promise.all(Array.from({ length: streams }, () => counted.open('hold')));
  const open = { underway: await metric(gateway, 'longshore_gateway_requests_underway') };
  const withStreams = await rss();
  // Half of them see the end, and the others go away.
  const staying = opened.slice(streams / 2).map((body) => body.text());
  for (const body of opened.slice(0, streams / 2)) body.destroy();
  for (const replica of replicas) replica.goOn();
  for (const text of await Promise.all(staying))
    counted.expect(text.endsWith('data: [DONE]\n\n'), 'a stream ended early');

  const floods = await Promise.all(Array.from({ length: unread }, () => counted.open('flood')));
  const ahead = await standing(() => replicas.flatMap((replica) => replica.taken()));
  const withUnread = await rss();
  for (const body of floods) body.destroy();
  await clients.close();

  return {
    outcomes: counted.outcomes,
    wrong: counted.wrong,
    latency,
    requestsPerSecond: requests / seconds,
    memory: { idle: idle.rss, half, all, streams: withStreams, unread: withUnread },
    ahead: Math.max(...ahead) / 2 ** 20,
    open,
    left: await atRest(gateway, replicas, idle.sockets),
    complaints: gateway.complaints,
  };
}

/** Asks, and counts what became of it. */
class Asker {
  readonly outcomes: Record<Outcome, number> = {
    answered: 0,
    streamed: 0,
    left: 0,
    refused: 0,
    'broken off': 0,
  };
  readonly wrong: string[] = [];
  readonly #url: string;
  readonly #dispatcher: Dispatcher;
  #next = 0;

  constructor(url: string, dispatcher: Dispatcher) {
    this.#url = url;
    this.#dispatcher = dispatcher;
  }

  expect(isSo: boolean, otherwise: string): void {
    if (!isSo) this.wrong.push(otherwise);
  }

  /** So many requests in turns, by so many clients. */
  async ask(requests: number, clients: number): Promise<void> {
    const until = this.#next + requests;
    const play = async (): Promise<void> => {
      while (this.#next < until) {
        const turn = turns[this.#next++ % turns.length];
        if (turn) await this.#take(...turn);
      }
    };
    await Promise.all(Array.from({ length: clients }, play));
  }

  /** The body of an answer that has begun. */
  async open(prompt: Conduct): Promise<Dispatcher.ResponseData['body']> {
    const { body, statusCode } = await completion(this.#url, this.#dispatcher, prompt, 'chat');
    this.expect(statusCode === 200, `a stream was answered with ${statusCode}`);
    // What is given up is an error to who reads it.
    body.on('error', () => undefined);
    return body;
  }

  async #take(expected: Outcome, prompt: Conduct, model: string): Promise<void> {
    try {
      const outcome = await this.#outcomeOf(expected, prompt, model);
      this.outcomes[outcome] += 1;
      this.expect(outcome === expected, `${expected} was expected, and it was ${outcome}`);
    } catch (error) {
      this.wrong.push(`${expected}: ${String(error)}`);
    }
  }

  async #outcomeOf(expected: Outcome, prompt: Conduct, model: string): Promise<Outcome> {
    const { statusCode, body } = await completion(this.#url, this.#dispatcher, prompt, model);
    if (expected === 'left') {
      body.on('error', () => undefined).destroy();
      return 'left';
    }
    const text = await body.text();
    if (statusCode === 404) return 'refused';
    if (statusCode === 502) return 'broken off';
    if (statusCode !== 200) throw new Error(`${statusCode}: ${text}`);
    return text.endsWith('data: [DONE]\n\n') ? 'streamed' : 'answered';
  }
}

function completion(
  url: string,
  dispatcher: Dispatcher,
  prompt: Conduct,
  model: string,
): Promise<Dispatcher.ResponseData> {
  return request(`${url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model, prompt }),
    dispatcher,
  });
}

/** The same request at both addresses, one after the other, in turns: what else the machine does is the same for both. */
async function compared(
  gateway: string,
  replica: string,
  dispatcher: Dispatcher,
  count: number,
): Promise<LoadFigures['latency']> {
  const direct: number[] = [];
  const through: number[] = [];
  for (let i = 0; i < count; i++) {
    for (const [url, all] of [
      [replica, direct],
      [gateway, through],
    ] as const) {
      const started = performance.now();
      await (await completion(url, dispatcher, 'answer', 'chat')).body.text();
      all.push(performance.now() - started);
    }
  }
  const [one, other] = [latencyOf(direct), latencyOf(through)];
  if (!one || !other) throw new Error('nothing was measured');
  return { direct: one, through: other };
}

async function metric(gateway: GatewayProcess, name: string): Promise<number> {
  const text = await (await fetch(`${gateway.healthUrl}/metrics`)).text();
  const line = text.split('\n').find((each) => each.startsWith(`${name} `));
  return Number(line?.split(' ').at(-1) ?? 0);
}

/** Once numbers do not grow any more. */
async function standing(read: () => number[]): Promise<number[]> {
  for (let before = -1; ;) {
    const sum = read().reduce((one, other) => one + other, 0);
    if (sum === before) return read();
    before = sum;
    await sleep(500);
  }
}

/** What is left, once that is no more than there may be, or the patience is over: connections that are kept are closed by and by. */
async function atRest(
  gateway: GatewayProcess,
  replicas: readonly PlayedReplica[],
  sockets: number,
): Promise<LoadFigures['left']> {
  for (const until = performance.now() + patienceMs; ;) {
    const connections = await Promise.all(replicas.map((replica) => replica.connections()));
    const left = {
      underway: await metric(gateway, 'longshore_gateway_requests_underway'),
      sockets: await metric(gateway, 'nodejs_active_resources{type="TCPSocketWrap"}'),
      connections: connections.reduce((one, other) => one + other, 0),
    };
    const isOver = left.underway + left.connections === 0 && (sockets === 0 || left.sockets <= sockets);
    if (isOver || performance.now() > until) return left;
    await sleep(200);
  }
}
