import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ChatCompletion } from '../../protocols/openai/chat.ts';
import { Completion } from '../../protocols/openai/completions.ts';
import type { RuntimeSettings } from '../../protocols/runtime.ts';
import { LoadState } from '../../protocols/runtime.ts';
import { imageEnvironment } from './image-environment.ts';

const main = join(import.meta.dirname, '..', 'main.ts');

/** The runtime as the image starts it, in a process of its own. */
export class Runtime {
  readonly url: string;
  readonly child: ChildProcess;
  readonly exited: Promise<unknown[]>;

  private constructor(port: number, environment: Record<string, string>) {
    this.url = `http://127.0.0.1:${port}`;
    this.child = spawn(process.execPath, [main], {
      env: {
        ...process.env,
        ...imageEnvironment,
        LONGSHORE_PORT: String(port),
        LONGSHORE_DRAIN_SECONDS: '0',
        ...environment,
      },
      stdio: 'ignore',
    });
    this.exited = once(this.child, 'exit');
  }

  /** With a context of 1024 tokens, unless `more` says otherwise. */
  static async start(
    modelPath: string,
    environment: Record<string, string> = {},
    more: Partial<RuntimeSettings> = { contextSize: 1024 },
  ): Promise<Runtime> {
    const settings: RuntimeSettings = { servedName: 'gemma', modelPath, parallel: 2, gpu: false, ...more };
    return new Runtime(await freePort(), { LONGSHORE_SETTINGS: JSON.stringify(settings), ...environment });
  }

  /** Every percentage that /load gave until the model was ready. */
  async loaded(): Promise<number[]> {
    const percents: number[] = [];
    while (this.child.exitCode === null) {
      const answer = await fetch(`${this.url}/load`).catch(() => undefined);
      if (answer) {
        const load = LoadState.parse(await answer.json());
        percents.push(load.percent);
        if (load.phase === 'ready') return percents;
      }
      await delay(20);
    }
    throw new Error(`the runtime ended with ${this.child.exitCode}`);
  }

  post(path: string, body: object, signal?: AbortSignal): Promise<Response> {
    return fetch(`${this.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: signal ?? null,
    });
  }

  async complete(body: object): Promise<Completion> {
    return Completion.parse(await (await this.post('/v1/completions', body)).json());
  }

  async chat(body: object): Promise<ChatCompletion> {
    return ChatCompletion.parse(await (await this.post('/v1/chat/completions', body)).json());
  }

  async load(): Promise<LoadState> {
    return LoadState.parse(await (await fetch(`${this.url}/load`)).json());
  }

  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    return Number(new RegExp(`^longshore_runtime_${name} (.*)$`, 'm').exec(text)?.[1]);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}
