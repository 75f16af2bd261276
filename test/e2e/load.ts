import { z } from 'zod';
import { deployments, pods } from '../../src/kube/builtin.ts';
import { waitFor } from '../cluster/commands.ts';
import { systemNamespace } from '../stack/stack.ts';
import type { World } from './world.ts';

const Counts = z.object({
  answered: z.int(),
  /** Requests that got another answer than 200, or none. */
  failed: z.int(),
  /** Answers by their header longshore-model-digest. */
  digests: z.record(z.string(), z.int()),
  errors: z.array(z.string()),
});
export type Counts = z.infer<typeof Counts>;

/** What is asked, and how. */
export interface Asking {
  /** Default: the Service of the server. */
  url?: string;
  headers?: Record<string, string>;
  /** Of a completion; with `stream` an answer counts when it has come to its end. */
  body?: Record<string, unknown>;
  /** That ask at the same time; default one. */
  clients?: number;
}

/** What the pod runs. Each request has a connection of its own, so that the Service chooses a pod for each. */
const program = `
const { request } = require('node:http');
const asking = JSON.parse(process.env.ASKING);
const counts = { answered: 0, failed: 0, digests: {}, errors: [] };
const body = JSON.stringify(asking.body);
const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...asking.headers };
const ask = () => new Promise((resolve) => {
  const fail = (error) => { counts.failed += 1; counts.errors = [...counts.errors, String(error)].slice(-5); resolve(); };
  const sent = request(asking.url + '/v1/completions', { method: 'POST', agent: false, headers }, (answer) => {
    let text = '';
    answer.on('data', (chunk) => (text += chunk));
    answer.on('error', fail);
    answer.on('end', () => {
      if (answer.statusCode !== 200) return fail(answer.statusCode + ' ' + text);
      if (asking.body.stream && !text.endsWith('data: [DONE]\\n\\n')) return fail('broken off: ' + text.slice(-200));
      const digest = answer.headers['longshore-model-digest'];
      counts.answered += 1;
      counts.digests[digest] = (counts.digests[digest] ?? 0) + 1;
      resolve();
    });
  });
  sent.on('error', fail);
  sent.end(body);
});
const work = async () => { for (;;) await ask(); };
for (let i = 0; i < asking.clients; i++) work();
setInterval(() => console.log(JSON.stringify(counts)), 200);
process.on('SIGTERM', () => process.exit());
`;

/** A client in a pod that asks a server one thing after the other, through its Service or what stands before it. */
export class Load {
  readonly #world: World;
  readonly #name: string;

  static async start(world: World, server: string, asking: Asking = {}): Promise<Load> {
    const { items } = await world.client.list(deployments, { namespace: systemNamespace });
    // It has Node, and nodes have it.
    const image = items[0]?.spec?.template.spec?.containers[0]?.image;
    const { namespace } = world;
    const usual: Required<Asking> = {
      url: `http://${server}.${namespace}.svc`,
      headers: {},
      body: { prompt: '1, 2, 3,', max_tokens: 2, temperature: 0 },
      clients: 1,
    };
    const { metadata } = await world.client.create(pods, {
      metadata: { namespace, generateName: 'load-' },
      spec: {
        restartPolicy: 'Never',
        automountServiceAccountToken: false,
        securityContext: {
          runAsNonRoot: true,
          runAsUser: 65_532,
          seccompProfile: { type: 'RuntimeDefault' },
        },
        containers: [
          {
            name: 'load',
            ...(image !== undefined && { image }),
            args: ['-e', program],
            env: [{ name: 'ASKING', value: JSON.stringify({ ...usual, ...asking }) }],
            securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
          },
        ],
      },
    });
    const load = new Load(world, metadata.name);
    await load.goesOn();
    return load;
  }

  private constructor(world: World, name: string) {
    this.#world = world;
    this.#name = name;
  }

  /** What has become of the requests so far, once it is as wanted. */
  async until(what: string, wanted: (counts: Counts) => boolean): Promise<Counts> {
    const check = async (): Promise<Counts | undefined> => {
      const line = await this.#world.kubectl(['logs', this.#name, '--tail=1']);
      if (line === '') return undefined;
      const counts = Counts.parse(JSON.parse(line));
      return wanted(counts) ? counts : undefined;
    };
    return waitFor(what, check, { timeout: 60_000, every: 200 });
  }

  /** Resolves when further requests were answered. */
  async goesOn(): Promise<Counts> {
    const before = await this.until('requests to be counted', () => true);
    return this.until('requests to be answered', ({ answered }) => answered > before.answered + 2);
  }

  /** What became of all requests. */
  async end(): Promise<Counts> {
    const counts = await this.goesOn();
    await this.#world.client.delete(pods, { namespace: this.#world.namespace, name: this.#name });
    return counts;
  }
}
