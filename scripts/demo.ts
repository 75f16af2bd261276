/**
 * `npm run demo`: a Kubernetes, Longshore installed with Helm, a Model of each source pulled before your eyes, and tokens
 * streaming from the servers that loaded them. `npm run demo -- --down` removes everything that this started.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureProvider, findCluster, stopCluster } from '../test/cluster/cluster.ts';
import { run } from '../test/cluster/commands.ts';
import {
  bringUp,
  gateway,
  install,
  kubectlOf,
  systemNamespace,
  uninstall,
  type Stack,
} from '../test/stack/stack.ts';
import { portForward } from '../test/stack/port-forward.ts';
import { sseData } from '../test/stack/sse.ts';
import { hubHosts, hubUrl, startDemoHub, stopDemoHub, withReachableHubs } from './demo-hub.ts';
import { watchUntilReady } from './demo-watch.ts';

/** What a model is asked. */
interface Question {
  model: string;
  shown: string;
  path: '/v1/completions' | '/v1/chat/completions';
  body: object;
}

interface Scenario {
  /** Holds models.yaml and servers.yaml. */
  folder: string;
  models: string[];
  servers: string[];
  questions: Question[];
}

const examples = join(import.meta.dirname, '../examples');
const commandLine = join(import.meta.dirname, '../src/cli/main.ts');
const whatColour = 'What colour is the sky?';

const chat = (model: string): Question => ({
  model,
  shown: whatColour,
  path: '/v1/chat/completions',
  body: { messages: [{ role: 'user', content: whatColour }], max_tokens: 48 },
});

const onThisMachine: Scenario = {
  folder: join(examples, 'demo'),
  models: ['gemma', 'gemma-chat'],
  servers: ['gemma', 'gemma-chat'],
  questions: [
    {
      model: 'gemma',
      shown: '1, 2, 3, 4,',
      path: '/v1/completions',
      body: { prompt: '1, 2, 3, 4,', max_tokens: 24, temperature: 0 },
    },
    chat('gemma-chat'),
  ],
};

const fromTheInternet: Scenario = {
  folder: join(examples, 'public'),
  models: ['qwen', 'qwen-ollama'],
  servers: ['qwen', 'qwen-ollama'],
  questions: [chat('qwen'), chat('qwen-ollama')],
};

const usage = `Brings up a cluster with Longshore on it, pulls a model from each source and asks both something through the gateway.

  npm run demo                     start, or go on with what is up
  npm run demo -- --public         pull from huggingface.co and registry.ollama.ai instead of this machine; needs a
                                   cluster whose pods reach the internet: LONGSHORE_TEST_CLUSTER=kind or existing
  npm run demo -- --name NAME      another demo beside the first
  npm run demo -- --down           remove everything it started`;

function say(line: string): void {
  console.log(`longshore: ${line}`);
}

function heading(text: string): void {
  console.log(`\n── ${text} ${'─'.repeat(Math.max(3, 76 - text.length))}`);
}

function options() {
  try {
    return parseArgs({
      options: {
        name: { type: 'string', default: 'demo' },
        public: { type: 'boolean', default: false },
        down: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    throw new Error(`${(error as Error).message}\n\n${usage}`, { cause: error });
  }
}

async function main(): Promise<number> {
  const values = options();
  const { name } = values;
  if (values.help) {
    console.log(usage);
    return 0;
  }
  if (values.down) {
    await down(name);
    return 0;
  }
  const started = performance.now();
  const scenario = values.public ? fromTheInternet : onThisMachine;
  if (values.public && (await ensureProvider('node')) === 'native') {
    throw new Error(
      'pods of the native cluster have no way to the internet: set LONGSHORE_TEST_CLUSTER to kind or existing for --public.',
    );
  }
  heading(
    values.public
      ? 'A Kubernetes and the images'
      : 'A Kubernetes, the images, and a hub and a registry to pull from',
  );
  const stack = await bringUp({ name, say, hosts: hubHosts });
  if (!values.public) await startDemoHub(name, stack.cluster, say);

  heading('helm install');
  await install(stack, ['gateway.enabled=true']);
  say(
    `helm upgrade --install longshore charts/longshore --namespace ${systemNamespace} --set gateway.enabled=true: operator and gateway are ready.`,
  );

  const shown = scenario.folder.slice(examples.length - 'examples'.length);
  heading(`kubectl apply -f ${shown}/models.yaml && kubectl get models -w`);
  await apply(stack, scenario, 'models.yaml');
  await watchUntilReady(stack, 'model', scenario.models, /\sTrue\s/);

  heading(`kubectl apply -f ${shown}/servers.yaml && kubectl get modelservers -w`);
  await apply(stack, scenario, 'servers.yaml');
  await watchUntilReady(stack, 'modelserver', scenario.servers, /\s1\/1\s/);

  heading(`Both models at one address: http://${gateway}.${systemNamespace}.svc`);
  await askAll(stack, scenario.questions);

  heading('How to look further');
  farewell(stack, name, scenario, Math.round((performance.now() - started) / 1000));
  return 0;
}

async function down(name: string): Promise<void> {
  await stopDemoHub(name);
  const cluster = await findCluster(name);
  if (cluster?.provider === 'existing') {
    const env = { ...process.env, KUBECONFIG: cluster.kubeconfig };
    const files = [onThisMachine, fromTheInternet].flatMap(({ folder }) => ['-f', folder]);
    await run(await kubectlOf(cluster, say), ['delete', '--ignore-not-found', ...files], { env });
    await uninstall(cluster);
    say("the demo's models, servers and release are gone; your cluster and the CRDs of Longshore stay.");
    return;
  }
  await stopCluster(name);
  say('the demo is gone: its cluster, its hub and everything on them.');
}

async function apply(stack: Stack, { folder }: Scenario, file: string): Promise<void> {
  const text = await readFile(join(folder, file), 'utf8');
  process.stdout.write(await stack.kubectl(['apply', '-f', '-'], withReachableHubs(text, stack.cluster)));
}

interface Chunk {
  choices?: { text?: string; delta?: { content?: string } }[];
}

/** Asks the gateway, which finds the server by the model's name. */
async function askAll({ cluster, tools }: Stack, questions: readonly Question[]): Promise<void> {
  const target = { namespace: systemNamespace, resource: `service/${gateway}`, port: 80 };
  const forward = await portForward(tools.kubectl, cluster.kubeconfig, target);
  try {
    for (const question of questions) await ask(forward.url, question);
  } finally {
    forward.close();
  }
}

async function ask(url: string, { model, shown, path, body }: Question): Promise<void> {
  console.log(`POST ${path} {"model": "${model}", ...}`);
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model, ...body, stream: true }),
  });
  if (!response.ok || !response.body)
    throw new Error(`the gateway answered ${response.status}: ${await response.text()}`);
  process.stdout.write(`  \x1b[2m${shown}\x1b[0m`);
  for await (const data of sseData(response.body)) {
    const [choice] = (JSON.parse(data) as Chunk).choices ?? [];
    process.stdout.write(choice?.text ?? choice?.delta?.content ?? '');
  }
  process.stdout.write('\n');
}

function farewell({ cluster, tools }: Stack, name: string, scenario: Scenario, seconds: number): void {
  const { models, questions } = scenario;
  const { model, path, body } = questions.at(-1)!;
  const named = name === 'demo' ? '' : ` --name ${name}`;
  const hubs = scenario === onThisMachine ? `The hub of the demo answers at ${hubUrl(cluster)}. ` : '';
  console.log(`Everything above took ${seconds} s and is still running.

  export KUBECONFIG=${cluster.kubeconfig}
  alias kubectl=${tools.kubectl}
  alias longshore='${process.execPath} ${commandLine}'
  kubectl get models,modelservers -o wide
  kubectl describe model ${models[0]}
  longshore chat ${model}
  kubectl port-forward -n ${systemNamespace} service/${gateway} 8080:80 &
  curl http://127.0.0.1:8080/v1/models
  curl http://127.0.0.1:8080${path} -H 'content-type: application/json' \\
    -d '${JSON.stringify({ model, ...body })}'

${hubs}Remove it all with: npm run demo -- --down${named}`);
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`\nlongshore: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
