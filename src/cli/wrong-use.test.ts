import { describe, expect, it } from 'vitest';
import { aModel, aServer } from '../controllers/testing/objects.ts';
import type { Model } from '../api/model.ts';
import {
  gatewayRefusal,
  startApiServer,
  startGateway,
  type Answer,
  type GatewayChoices,
  type Stock,
} from './testing/stand-ins.ts';
import { use, type Used } from './testing/use.ts';

/** Two doors to the same, and what the program says at each. */
async function atBothDoors(
  words: readonly string[],
  stock: Stock,
): Promise<{ cluster: Used; gateway: Used }> {
  await using apiServer = await startApiServer(stock);
  await using gateway = await startGateway(stock);
  return {
    cluster: await use(...apiServer.options, ...words),
    gateway: await use(...gateway.options, ...words),
  };
}

const stalled = (reason: string, message: string) =>
  ({
    observedGeneration: 1,
    conditions: ['Ready', 'Stalled'].map((type) => ({
      type,
      status: type === 'Ready' ? 'False' : 'True',
      reason,
      message,
      lastTransitionTime: '',
    })),
  }) as never;
const ready = {
  observedGeneration: 1,
  conditions: [{ type: 'Ready', status: 'True', reason: 'Ready', message: '', lastTransitionTime: '' }],
} as Model['status'];

const named = (name: string) => {
  const server = aServer();
  return { ...server, metadata: { ...server.metadata, name, uid: `uid-of-${name}` } };
};
const one: Stock = { models: [aModel({}, ready)], modelservers: [named('chat')] };
const two: Stock = { models: [aModel({}, ready)], modelservers: [named('chat'), named('other')] };
const gated: Stock = { models: [aModel({}, stalled('GatedRepo', 'Ask for access at the hub.'))] };
const tooLarge: Stock = {
  models: [aModel({}, ready)],
  modelservers: [{ ...named('qwen'), status: stalled('NoNodeFits', 'It needs 40 GB.') }],
};

interface Wrong {
  words: string[];
  stock?: Stock;
  exitCode: number;
  said: string;
}

const sameAtBothDoors: Record<string, Wrong> = {
  'a Model that is not there': {
    words: ['show', 'llama'],
    stock: one,
    exitCode: 3,
    said: 'There is no Model "llama" in namespace ns.\nThere are: qwen.\n',
  },
  'a Model where there are none': {
    words: ['rm', 'llama'],
    exitCode: 3,
    said: 'There is no Model "llama" in namespace ns.\nThere are none: pull one with `SELF pull NAME`, or look into another namespace with --namespace.\n',
  },
  'a server that is not there': {
    words: ['unload', 'llama'],
    stock: one,
    exitCode: 3,
    said: 'There is no ModelServer "llama" in namespace ns.\nSee what is loaded with `SELF ps`.\n',
  },
  'a Model that nothing serves': {
    words: ['unload', 'qwen'],
    stock: gated,
    exitCode: 3,
    said: 'Model qwen is served by no ModelServer in namespace ns.\nSee what is loaded with `SELF ps`.\n',
  },
  'a Model that two serve': {
    words: ['unload', 'qwen'],
    stock: two,
    exitCode: 1,
    said: 'Model qwen is served by chat, other: "qwen" does not say which.\nName one: `SELF unload chat`, `SELF unload other`.\n',
  },
  'a Model that is used': {
    words: ['rm', 'qwen'],
    stock: one,
    exitCode: 1,
    said: 'Model qwen is used by server chat.\nUnload first: `SELF unload chat`. Or delete it all the same with --force: what they serve goes with it.\n',
  },
  'another Model of the name': {
    words: ['pull', 'other/name', '--source', 'huggingface', '--name', 'qwen'],
    stock: one,
    exitCode: 1,
    said: 'Model qwen is there already, with another spec.source.huggingFace.repo.\nChange it with `kubectl edit model qwen`, or where it is kept; or choose another name with --name.\n',
  },
  'another size of a server': {
    words: ['load', 'qwen', '--name', 'chat', '--gpus', '3'],
    stock: one,
    exitCode: 1,
    said: 'ModelServer chat is there already, with another spec.gpu.count.\nChange it with `kubectl edit modelserver chat`, or where it is kept; or choose another name with --name.\n',
  },
  'a Model that stalls': {
    words: ['load', 'qwen'],
    stock: gated,
    exitCode: 1,
    said: 'Model qwen: GatedRepo: Ask for access at the hub.\n',
  },
  'a server that stalls': {
    words: ['load', 'qwen'],
    stock: tooLarge,
    exitCode: 1,
    said: 'ModelServer qwen: NoNodeFits: It needs 40 GB.\n',
  },
  'a name of two sources': {
    words: ['pull', 'owner/name'],
    exitCode: 2,
    said: '"owner/name" may be a model on Hugging Face or on Ollama\'s registry.\nSay which with --source huggingface or --source ollama.\n',
  },
  'a name that is none': {
    words: ['pull', 'name', '--source', 'huggingface'],
    exitCode: 2,
    said: '"name" is no name of a model on Hugging Face: write owner/name, e.g. Qwen/Qwen3-8B-GGUF:Q4_K_M.\n',
  },
  'a quantization that is none': {
    words: ['pull', 'Qwen/Qwen3-8B-GGUF', '--quantization', 'Q4 K M', '--name', 'x'],
    exitCode: 2,
    said: '"Q4 K M" cannot be the quantization.\nWrite it as letters, digits and _, as in Q4_K_M.\n',
  },
  'two choices of a file': {
    words: ['pull', 'Qwen/Qwen3-8B-GGUF:Q4_K_M', '--bits', '8'],
    exitCode: 2,
    said: 'A quantization, --bits and --file each choose the files.\nGive one of them; a quantization stands behind the name, too, as in owner/name:Q4_K_M.\n',
  },
  'a quantization of an Ollama name': {
    words: ['pull', 'llama3.1:8b', '--quantization', 'Q4_K_M'],
    exitCode: 2,
    said: '--quantization is for models of Hugging Face, and "llama3.1:8b" is one of an Ollama registry.\nThere the tag says it, as in llama3.1:8b-instruct-q4_K_M.\n',
  },
  'a name that no object may have': {
    words: ['pull', 'llama3.1:8b', '--name', 'Llama_3'],
    exitCode: 2,
    said: '"Llama_3" cannot be the name of a Model.\nA name is of lower-case letters, digits and dashes, 40 at most, with a letter first.\n',
  },
  'a size that is none': {
    words: ['pull', 'llama3.1:8b', '--size', 'big'],
    exitCode: 2,
    said: '"big" cannot be the --size.\nWrite it as 20Gi.\n',
  },
  'a search of Ollama': {
    words: ['search', 'gemma', '--source', 'ollama'],
    exitCode: 2,
    said: "Ollama's registry cannot be searched by programs.\nLook at https://ollama.com/search, and pull what you find with `SELF pull NAME:TAG`.\n",
  },
};

describe('wrong use is told in the same words through the kubeconfig and through the gateway', () => {
  it.for(Object.entries(sameAtBothDoors))('%s', async ([, { words, stock = {}, exitCode, said }]) => {
    const { cluster, gateway } = await atBothDoors(words, stock);
    // How to get there again is another for each.
    const same = ({ err, ...rest }: Used) => ({
      ...rest,
      err: err.replaceAll(/longshore (--kubeconfig|--server) \S+/g, 'SELF'),
    });
    expect(same(cluster)).toEqual({ exitCode, out: '', err: said });
    expect(same(gateway)).toEqual({ exitCode, out: '', err: said });
  });
});

describe('a cluster that does not let this user', () => {
  const status = (code: number, reason: string, message: string): Answer => ({
    status: code,
    body: { kind: 'Status', code, reason, message },
  });
  it.for([
    [
      status(401, 'Unauthorized', 'Unauthorized'),
      'Cannot list models: Unauthorized\nAsk whoever runs the cluster for the right, or choose another namespace with --namespace.\n',
    ],
    [
      status(403, 'Forbidden', 'models.longshore.dev is forbidden: User "u" cannot list resource "models"'),
      'Cannot list models: models.longshore.dev is forbidden: User "u" cannot list resource "models"\nAsk whoever runs the cluster for the right, or choose another namespace with --namespace.\n',
    ],
    [
      status(404, 'NotFound', 'the server could not find the requested resource'),
      'Cannot list models: the cluster has no Models.\nInstall Longshore on it first: its README says how, with Helm.\n',
    ],
  ] as const)('%j is told, with 4', async ([always, said]) => {
    await using apiServer = await startApiServer({}, always);
    expect(await use(...apiServer.options, 'list')).toEqual({ exitCode: 4, out: '', err: said });
  });

  it('does not answer, and neither does a gateway: that is told too', async () => {
    const apiServer = await startApiServer({});
    const gateway = await startGateway({});
    await Promise.all([apiServer.stop(), gateway.stop()]);
    const refused = ({ url }: { url: string }) => `connect ECONNREFUSED ${new URL(url).host}`;
    expect(await use(...apiServer.options, 'list')).toEqual({
      exitCode: 4,
      out: '',
      err: `Cannot list models: the API server does not answer (${refused(apiServer)}).\nLook at the cluster with \`kubectl cluster-info\`, or choose another with --context or --kubeconfig.\n`,
    });
    expect(await use(...gateway.options, 'list')).toEqual({
      exitCode: 4,
      out: '',
      err: `Cannot reach the cluster: the gateway at ${gateway.url} does not answer (${refused(gateway)}).\nLook at the address that --server or LONGSHORE_SERVER names.\n`,
    });
    await apiServer[Symbol.asyncDispose]();
  });
});

describe('a gateway that does not let this user', () => {
  const cases: Record<string, [GatewayChoices, (url: string) => string]> = {
    'without a key': [
      { always: gatewayRefusal(401, 'invalid_api_key', 'An API key is needed.'), isAll: true },
      () =>
        'Cannot reach the cluster: An API key is needed.\nGive a key of the gateway with --api-key or LONGSHORE_API_KEY.\n',
    ],
    'with a key that may not': [
      { scopes: ['infer'], always: gatewayRefusal(403, 'insufficient_scope', 'The API key "a" may infer.') },
      () => 'Cannot list models: The API key "a" may infer.\nAsk whoever runs the gateway for the right.\n',
    ],
    'that manages nothing': [
      { isManaging: false },
      (url) =>
        `Cannot list models: the gateway at ${url} manages no models.\nTurn that on with the value gateway.management.enabled of its chart, or use the kubeconfig.\n`,
    ],
    'that is none': [
      { always: { status: 200, body: '<html>' }, isAll: true },
      (url) =>
        `Cannot reach the cluster: what answers at ${url} is no gateway of Longshore (HTTP 200).\nLook at the address that --server or LONGSHORE_SERVER names.\n`,
    ],
    'that is another web server': [
      { always: { status: 404, body: 'not found' }, isAll: true },
      (url) =>
        `Cannot reach the cluster: what answers at ${url} is no gateway of Longshore (HTTP 404).\nLook at the address that --server or LONGSHORE_SERVER names.\n`,
    ],
    'that cannot reach the cluster': [
      { always: gatewayRefusal(503, 'cluster_unreachable', 'The API server does not answer.') },
      () => 'Cannot list models: The API server does not answer.\n',
    ],
  };
  it.for(Object.entries(cases))('%s: it is told, with 4', async ([, [choices, said]]) => {
    await using gateway = await startGateway({}, choices);
    expect(await use(...gateway.options, 'list')).toEqual({ exitCode: 4, out: '', err: said(gateway.url) });
  });
});

describe('what only one way has', () => {
  it('says what a gateway does not take, and asks it for nothing', async () => {
    await using gateway = await startGateway({ models: [aModel({}, ready)] });
    const rows: [string[], string][] = [
      [['rm', 'qwen', '--force'], 'A gateway takes no --force'],
      [['pull', 'llama3.1:8b', '--token-secret', 'mine'], 'A gateway takes no --token-secret'],
      [
        ['search', 'gemma', '--endpoint', 'https://hub.internal'],
        '--endpoint is for a search without --server',
      ],
      [['--context', 'c', 'list'], '--server asks a gateway, and --context and --kubeconfig a cluster'],
    ];
    for (const [words, message] of rows) {
      const { err, exitCode } = await use(...gateway.options, ...words);
      expect(err).toContain(message);
      expect(exitCode).toBe(2);
    }
    expect(gateway.asked.filter(({ method }) => method !== 'GET')).toEqual([]);
  });

  it('says whose it is what a gateway does not change', async () => {
    const refusal = gatewayRefusal(409, 'managed_elsewhere', 'Model ns/qwen is managed by kubectl.');
    await using gateway = await startGateway({});
    await using guarded = await startGateway({}, { always: refusal });
    expect(await use(...gateway.options, 'pull', 'llama3.1:8b', '--no-wait')).toMatchObject({ exitCode: 0 });
    expect(await use(...guarded.options, 'list')).toEqual({
      exitCode: 1,
      out: '',
      err: 'Cannot list models: Model ns/qwen is managed by kubectl.\n',
    });
  });

  it.for(['longshore', 'ftp://x', 'x:8080'])('takes %s for no address of a gateway', async (address) => {
    const { err, exitCode } = await use('--server', address, 'list');
    expect(err).toContain(`"${address}" is no address of a gateway`);
    expect(exitCode).toBe(2);
  });

  it('names a context that the kubeconfig lacks, and those that it has', async () => {
    await using apiServer = await startApiServer({});
    expect(await use(...apiServer.options, '--context', 'there', 'list')).toEqual({
      exitCode: 2,
      out: '',
      err: 'The kubeconfig has no context "there".\nIt has: here.\n',
    });
  });
});
