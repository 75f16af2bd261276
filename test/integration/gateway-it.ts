import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { json } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { KubeConfig } from '@kubernetes/client-node';
import { inject } from 'vitest';
import { parseAllDocuments, stringify } from 'yaml';
import { ensureTools } from '../cluster/tools/tools.ts';
import { GatewayProcess } from './gateway-process.ts';
import { it as itInWorld } from './it.ts';
import type { World } from './world.ts';

const run = promisify(execFile);
const chart = join(import.meta.dirname, '../../charts/longshore');
const account = 'longshore-gateway';

/** `it` with a world and a way to start gateways in front of it, each with the rights that the chart gives and no others. */
export const it = itInWorld
  .extend('gatewayKubeconfig', { scope: 'file' }, async ({ world }, { onCleanup }) => {
    const folder = await mkdtemp(join(tmpdir(), 'gateway-'));
    onCleanup(() => rm(folder, { recursive: true }));
    return kubeconfigOfChart(world, folder);
  })
  .extend('keysFolder', async ({}, { onCleanup }) => {
    const folder = await mkdtemp(join(tmpdir(), 'gateway-keys-'));
    onCleanup(() => rm(folder, { recursive: true }));
    return folder;
  })
  .extend('startGateway', ({ world, gatewayKubeconfig }, { onCleanup }) => {
    const started: GatewayProcess[] = [];
    onCleanup(async () => {
      for (const gateway of started) await gateway[Symbol.asyncDispose]();
    });
    return async (environment: Record<string, string> = {}): Promise<GatewayProcess> => {
      const gateway = await GatewayProcess.start({
        kubeconfig: gatewayKubeconfig,
        namespace: world.namespace,
        cluster: dirname(world.kubeconfig),
        environment,
      });
      started.push(gateway);
      return gateway;
    };
  });

/** Installs account, Role and RoleBinding of the chart, and answers with a kubeconfig of that account. */
async function kubeconfigOfChart(world: World, folder: string): Promise<string> {
  const { helm = '' } = await ensureTools(['helm'], { say: (line) => console.error(`gateway: ${line}`) });
  const values = [
    '--set',
    `gateway.enabled=true,gateway.management.enabled=true,watchNamespace=${world.namespace}`,
  ];
  const { stdout } = await run(helm, ['template', 'longshore', chart, '-n', world.namespace, ...values]);
  const rights = parseAllDocuments(stdout)
    .map((document) => document.toJS() as { kind: string; metadata: { name: string } } | null)
    .filter((object) => object?.metadata.name === account && /Account|Role/.test(object.kind));
  const file = join(folder, 'rights.yaml');
  await writeFile(file, rights.map((each) => stringify(each)).join('---\n'));
  const kubectl = async (...arguments_: string[]): Promise<string> =>
    (await run(inject('kubectl'), ['--kubeconfig', world.kubeconfig, '-n', world.namespace, ...arguments_]))
      .stdout;
  await kubectl('apply', '-f', file);
  const config = new KubeConfig();
  config.loadFromFile(world.kubeconfig);
  const itsConfig = new KubeConfig();
  const token = (await kubectl('create', 'token', account)).trim();
  itsConfig.loadFromClusterAndUser(config.getCurrentCluster()!, { name: account, token });
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(kubeconfig, itsConfig.exportConfig());
  return kubeconfig;
}

/** A value of the Secret with the keys, from lines of a key and its scopes. */
export async function writeKeys(folder: string, name: string, ...keys: string[]): Promise<void> {
  const lines = keys.map((each) => {
    const [key = '', scopes] = each.split(' ');
    return `${createHash('sha256').update(key).digest('hex')} ${scopes}`;
  });
  await writeFile(join(folder, name), lines.join('\n'));
}

/** Answers both APIs as the runtime does, in a few words: each of them in a piece of its own. */
export function speaks(...words: string[]): RequestListener {
  return (request, response) => {
    void (async () => {
      const { model, stream } = (await json(request)) as { model: string; stream?: boolean };
      const isOllamas = request.url?.startsWith('/api/') === true;
      const pieces = isOllamas ? ollamaChat(model, words) : openAiChat(model, words);
      const type = isOllamas ? 'application/x-ndjson' : 'text/event-stream';
      if (stream === false) throw new Error('only streams are played here');
      response.writeHead(200, { 'content-type': type });
      for (const piece of pieces) response.write(piece);
      response.end();
    })().catch(() => response.destroy());
  };
}

function openAiChat(model: string, words: readonly string[]): string[] {
  const chunk = (delta: object, finish_reason: string | null): string =>
    `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model, choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
  return [...words.map((content) => chunk({ content }, null)), chunk({}, 'stop'), 'data: [DONE]\n\n'];
}

function ollamaChat(model: string, words: readonly string[]): string[] {
  const line = (content: string, done: boolean): string =>
    `${JSON.stringify({ model, created_at: new Date(0).toISOString(), message: { role: 'assistant', content }, done })}\n`;
  return [...words.map((word) => line(word, false)), line('', true)];
}
