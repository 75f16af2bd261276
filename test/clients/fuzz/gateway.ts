/**
 * A gateway to be asked at random: everything it is made of, in front of runtimes without a model and of a cluster that is
 * played. What it makes is there at once, and what it deletes comes back, so that every request finds the same world.
 */
import { once } from 'node:events';
import { createServer as createTcpServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { publicHub } from '../../../src/api/source.ts';
import { scopes } from '../../../src/gateway/access.ts';
import type { Writing } from '../../../src/gateway/management/objects.ts';
import { createServer } from '../../../src/gateway/server.ts';
import {
  aModel,
  anArtifact,
  aPod,
  aServer,
  cachesOf,
  conditions,
} from '../../../src/gateway/testing/objects.ts';
import { ApiError } from '../../../src/kube/errors.ts';
import type { Key, KubeObject } from '../../../src/kube/kind.ts';
import { createMetrics } from '../../../src/runtime-image/metrics.ts';
import { createServer as createRuntime } from '../../../src/runtime-image/server.ts';
import { newState } from '../../../src/runtime-image/state.ts';
import { anEnd, fakeEngine } from '../../../src/runtime-image/testing/fake-engine.ts';
import { aModel as aLoadedModel } from '../../../src/runtime-image/testing/ollama-server.ts';
import { standard, standardRepos } from '../../hub/content.ts';
import { startHub } from '../../hub/hub.ts';

export interface FuzzedGateway {
  url: string;
  key: string;
  /** What requests should name, so that they come as far as they may. */
  models: readonly string[];
  stop: () => Promise<void>;
}

const key = 'a-key';
const namespace = 'team';
const silent = pino({ level: 'silent' });

/** Names of each kind: answered, known by another name, pulled only, stalled, without replicas, of a pod that breaks off, and nobody's. */
const models = ['chat', 'llama3.1:8b', 'team/chat', 'idle', 'gated', 'down', 'broken', 'nobody'];

export async function startGateway(): Promise<FuzzedGateway> {
  const runtime = loadedRuntime();
  await runtime.listen({ port: 0, host: '127.0.0.1' });
  const { port } = runtime.server.address() as AddressInfo;
  const breaking = createTcpServer((socket) => void socket.once('data', () => socket.destroy()));
  breaking.listen(port, '127.0.0.2');
  await once(breaking, 'listening');
  const hub = await startHub({ repos: standardRepos() });

  const caches = playedCaches();
  const { app } = createServer({
    caches,
    log: silent,
    homeNamespace: namespace,
    port,
    keys: {
      callerOf: async (given) => (given === key ? { name: 'fuzz', scopes: [...scopes] } : undefined),
    },
    admission: { requests: 100, bytes: 64 * 1024 * 1024 },
    limits: { request: 60_000, idle: 30_000, connect: 2000 },
    management: {
      client: playedCluster(caches),
      caches,
      namespace,
      endpoints: [hub.url],
      hub: hub.url,
      registry: publicHub,
      gpus: 1,
    },
  });
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  return {
    url,
    key,
    models: [...models, standard.gemma.repo],
    stop: async () => {
      app.server.closeAllConnections();
      await app.close();
      await Promise.all([runtime.close(), hub.close()]);
      breaking.close();
    },
  };
}

/** The runtime of the server `chat`, with every kind of answer. */
function loadedRuntime() {
  const likely = { token: 'Hello', logprob: -0.1 };
  const events = [
    { type: 'thought', text: 'Hm' },
    { type: 'text', text: 'Hello', logprobs: [{ ...likely, top: [likely] }] },
    { type: 'call', index: 0, name: 'look' },
    { type: 'arguments', index: 0, text: '{"at": "it"}' },
    anEnd({ finishReason: 'calls' }),
  ] as const;
  const state = newState('chat', new Date());
  const { engine } = fakeEngine({ events, abilities: { tools: true, thoughts: true, infill: true } });
  state.engine = engine;
  state.model = aLoadedModel;
  state.load = { phase: 'ready', percent: 100, contextSize: engine.contextSize };
  return createRuntime(state, createMetrics(state), silent);
}

const ready = { observedGeneration: 1, conditions: conditions(['Ready', 'True', 'Ready']) };

function playedCaches() {
  const gguf = { architecture: 'qwen3', parameters: '8.0B', quantization: 'Q4_K_M', contextLength: 4096 };
  const pulled = { ...ready, artifact: anArtifact, gguf };
  const gated = {
    observedGeneration: 1,
    conditions: conditions(['Ready', 'False', 'GatedRepo', 'Ask for it.'], ['Stalled', 'True', 'GatedRepo']),
  };
  const chat = aServer('chat', { servedNames: ['llama3.1:8b'], status: ready });
  const broken = aServer('broken', { modelRef: { name: 'chat-weights' }, status: ready });
  return cachesOf({
    models: [
      aModel('chat-weights', { status: pulled }),
      aModel('idle', { status: pulled }),
      aModel('gated', { status: gated }),
    ],
    servers: [chat, broken, aServer('down', { modelRef: { name: 'idle' }, replicas: 0 })],
    pods: [aPod(chat, '127.0.0.1'), aPod(broken, '127.0.0.2')],
  });
}

/** Takes what an API server takes, and settles it at once: by its name, as Ready or as Stalled. */
function playedCluster(caches: ReturnType<typeof playedCaches>): Writing['client'] {
  return {
    create: async (kind, object) => {
      const { metadata, spec } = object as unknown as { metadata: Key; spec: object };
      const { namespace, name } = metadata;
      if (!/^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$/.test(name)) {
        throw new ApiError({ status: 422, reason: 'Invalid', message: `POST /apis: ${name} is no name` });
      }
      if (kind.kind === 'Model')
        caches.put({ models: [{ ...aModel(name, { namespace, status: ready }), spec: spec as never }] });
      else caches.put({ servers: [aServer(name, { ...spec, namespace, status: ready })] });
      return object as unknown as KubeObject as never;
    },
    delete: () => Promise.resolve(),
    managersOf: async (_kind, { name }) => (name === 'idle' ? ['argocd-controller'] : ['longshore-gateway']),
  };
}
