import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { settingsVariable, type RuntimeSettings } from '../../src/protocols/runtime.ts';
import { imageEnvironment } from '../../src/runtime-image/testing/image-environment.ts';
import type { ProcessFigures } from './processes.ts';
import type { RuntimeBundle } from './runtime-bundle.ts';
import type { Lag } from './runtime-observer.ts';
import { BenchedProcess, freePort } from './runtime-process.ts';
import { streamed, type Ask, type Told } from './runtime-stream.ts';

/** What all of them are started with. */
export interface Load {
  modelPath: string;
  /** Tokens for each sequence. */
  contextSize: number;
  parallel: number;
  threads: number;
  /** Whether a GPU computes, all layers. */
  gpu: boolean;
}

export const longshoreName = 'Longshore';
export const bareName = 'bare loop';
export const llamaServerName = 'llama-server';

/** Somebody who continues texts. */
export interface Contender {
  readonly name: string;
  start(load: Load): Promise<Running>;
}

/** With the model in memory. */
export interface Running extends AsyncDisposable {
  /** From the start of the process until it could be asked. */
  readonly loadSeconds: number;
  /** All at once. */
  answers(asks: readonly Ask[]): Promise<Told[]>;
  /** Of the event loop, while something is done; undefined where there is none. */
  lagDuring: ((work: () => Promise<unknown>) => Promise<Lag>) | undefined;
  figures(): Promise<ProcessFigures>;
  /** The library of ggml that computes, as libggml-cpu-zen4 or libggml-cuda. */
  backend(): Promise<string>;
}

/** As in its image, with the observer inside. */
export function longshore({ main, observer }: RuntimeBundle): Contender {
  return {
    name: longshoreName,
    async start({ modelPath, contextSize, parallel, gpu }) {
      const port = await freePort();
      const settings: RuntimeSettings = { servedName: 'bench', modelPath, contextSize, parallel, gpu };
      const benched = await BenchedProcess.start({
        argv: [process.execPath, '--import', observer, main],
        folder: dirname(main),
        env: {
          ...imageEnvironment,
          LONGSHORE_PORT: String(port),
          LONGSHORE_TERMINATION_LOG: '/dev/null',
          [settingsVariable]: JSON.stringify(settings),
        },
      });
      return await server(benched, `http://127.0.0.1:${port}`, '/readyz', lagOf(benched));
    },
  };
}

/** With its defaults, but for what all have in common. */
export function llamaServerAt(program: string, { folder }: RuntimeBundle): Contender {
  return {
    name: llamaServerName,
    async start({ modelPath, contextSize, parallel, threads, gpu }) {
      const port = await freePort();
      const options = [
        ['--model', modelPath],
        ['--host', '127.0.0.1'],
        ['--port', port],
        ['--parallel', parallel],
        ['--ctx-size', contextSize * parallel],
        ['--threads', threads],
        ['--threads-batch', threads],
        ['--n-gpu-layers', gpu ? 999 : 0],
        // As node-llama-cpp has it.
        ['--batch-size', 512],
      ];
      const benched = await BenchedProcess.start({
        argv: [program, ...options.flat()],
        folder,
        env: { HOME: '/tmp' },
      });
      return await server(benched, `http://127.0.0.1:${port}`, '/health', undefined);
    },
  };
}

/** See src/runtime-image/testing/bare-loop.ts. */
export function bareLoop({ bareLoop: program, observer, folder }: RuntimeBundle): Contender {
  return {
    name: bareName,
    async start(load) {
      const benched = await BenchedProcess.start({
        argv: [process.execPath, '--import', observer, program, JSON.stringify(load)],
        folder,
        env: imageEnvironment,
      });
      await benched.ask((message) => message === 'ready');
      return {
        ...seen(benched),
        answers: async (asks) => (await benched.ask(has<{ told: Told[] }>('told'), asks)).told,
        lagDuring: lagOf(benched),
      };
    },
  };
}

async function server(
  benched: BenchedProcess,
  url: string,
  ready: string,
  lagDuring: Running['lagDuring'],
): Promise<Running> {
  while (!(await fetch(`${url}${ready}`).catch(() => undefined))?.ok) {
    await benched.ensureRunning();
    await sleep(10);
  }
  return {
    ...seen(benched),
    answers: (asks) => Promise.all(asks.map((ask) => streamed(url, ask))),
    lagDuring,
  };
}

/** What can be told of any process, once it is ready. */
function seen(benched: BenchedProcess): Omit<Running, 'answers' | 'lagDuring'> {
  return {
    loadSeconds: (performance.now() - benched.startedAt) / 1000,
    figures: () => benched.figures(),
    backend: async () =>
      (await benched.loaded(/(libggml-cuda)[-.]/)) ??
      (await benched.loaded(/(libggml-cpu-\w+)\.so/)) ??
      'unknown',
    [Symbol.asyncDispose]: () => benched[Symbol.asyncDispose](),
  };
}

const lagOf =
  (benched: BenchedProcess): Running['lagDuring'] =>
  async (work) => {
    benched.tell('watch');
    await work();
    return (await benched.ask(has<{ lag: Lag }>('lag'), 'lag')).lag;
  };

const has =
  <Message extends object>(member: keyof Message) =>
  (message: unknown): message is Message =>
    typeof message === 'object' && message !== null && member in message;
