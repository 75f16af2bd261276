/**
 * `npm run demo`: a Kubernetes, Longshore installed with Helm, a Model pulled before your eyes, and tokens streaming from
 * the server that loaded it. `npm run demo -- --down` removes everything that this started.
 */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { findCluster, stopCluster } from '../test/cluster/cluster.ts';
import { run } from '../test/cluster/commands.ts';
import { bringUp, install, uninstall, type Stack } from '../test/stack/stack.ts';
import { portForward } from '../test/stack/port-forward.ts';
import { sseData } from '../test/stack/sse.ts';
import { hubName, hubPort, startDemoHub, stopDemoHub } from './demo-hub.ts';

const name = 'demo';
const examples = join(import.meta.dirname, '../examples/demo');
const prompt = '1, 2, 3, 4,';

const usage = `Brings up a cluster with Longshore on it, pulls a model and asks it something.

  npm run demo              start, or go on with what is up
  npm run demo -- --down    remove everything it started`;

function say(line: string): void {
  console.log(`longshore: ${line}`);
}

function heading(text: string): void {
  console.log(`\n── ${text} ${'─'.repeat(Math.max(3, 76 - text.length))}`);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      down: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  if (values.down) {
    await down();
    return 0;
  }
  const started = performance.now();
  heading('A Kubernetes, the images, and a Hugging Face hub');
  const stack = await bringUp({ name, say, hosts: { [hubName]: 'host' } });
  const { hostAddress } = stack.cluster;
  if (hostAddress === undefined) {
    throw new Error('pods of this cluster have no address for this machine, where the hub of the demo runs');
  }
  await startDemoHub(hostAddress, say);

  heading('helm install');
  await install(stack);
  say(
    'helm upgrade --install longshore charts/longshore --namespace longshore-system: the operator is ready.',
  );

  heading('kubectl apply -f examples/demo/model.yaml && kubectl get models -w');
  await apply(stack, 'model.yaml', hostAddress);
  await watchUntil(stack, 'model', /\sTrue\s/);

  heading('kubectl apply -f examples/demo/server.yaml && kubectl get modelservers -w');
  await apply(stack, 'server.yaml', hostAddress);
  await watchUntil(stack, 'modelserver', /\s1\/1\s/);

  heading(`POST /v1/completions {"prompt": "${prompt}", "stream": true}`);
  await stream(stack);

  heading('How to look further');
  farewell(stack, hostAddress, Math.round((performance.now() - started) / 1000));
  return 0;
}

async function down(): Promise<void> {
  await stopDemoHub();
  const cluster = await findCluster(name);
  if (cluster?.provider === 'existing') {
    const env = { ...process.env, KUBECONFIG: cluster.kubeconfig };
    await run('kubectl', ['delete', '--ignore-not-found', '-f', examples], { env });
    await uninstall(cluster);
    say("the demo's model, server and release are gone; your cluster and the CRDs of Longshore stay.");
    return;
  }
  await stopCluster(name);
  say('the demo is gone: its cluster, its hub and everything on them.');
}

/** The file as it stands; where pods cannot resolve the hub's name, with this machine's address in its place. */
async function apply({ cluster, kubectl }: Stack, file: string, hostAddress: string): Promise<void> {
  const text = await readFile(join(examples, file), 'utf8');
  const resolvable = cluster.provider === 'native' ? text : text.replaceAll(hubName, hostAddress);
  process.stdout.write(await kubectl(['apply', '-f', '-'], resolvable));
}

/** Shows what `kubectl get -w` prints until a line says that the object is ready; throws as soon as it is Stalled. */
async function watchUntil(stack: Stack, kind: string, ready: RegExp): Promise<void> {
  const { cluster, kubectl, tools } = stack;
  const env = { ...process.env, KUBECONFIG: cluster.kubeconfig };
  const watch = spawn(tools.kubectl, ['get', `${kind}s`, 'gemma', '-w'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const shown = new Promise<void>((resolve, reject) => {
    createInterface({ input: watch.stdout }).on('line', (line) => {
      console.log(line);
      if (ready.test(line)) resolve();
    });
    watch.once('exit', () => reject(new Error('the watch ended')));
  });
  const stuck = ['wait', `${kind}/gemma`, '--for=condition=Stalled', '--timeout=10m'];
  const wait = spawn(tools.kubectl, stuck, { env, stdio: 'ignore' });
  const stalled = new Promise<void>((_resolve, reject) => {
    wait.once('exit', (code) =>
      reject(new Error(code === 0 ? 'it is Stalled' : 'it took more than 10 minutes')),
    );
  });
  try {
    await Promise.race([shown, stalled]);
  } catch (error) {
    const described = await kubectl(['describe', kind, 'gemma']).catch(() => '');
    throw new Error(`${kind}/gemma did not become Ready: ${(error as Error).message}.\n${described}`, {
      cause: error,
    });
  } finally {
    watch.kill();
    wait.kill();
    // Both promises end with the programs, and what they say then is of no interest.
    await Promise.allSettled([shown, stalled]);
  }
}

async function stream({ cluster, tools }: Stack): Promise<void> {
  const target = { namespace: 'default', resource: 'service/gemma', port: 80 };
  const forward = await portForward(tools.kubectl, cluster.kubeconfig, target);
  try {
    const body = JSON.stringify({ model: 'gemma', prompt, max_tokens: 24, temperature: 0, stream: true });
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${forward.url}/v1/completions`, { method: 'POST', headers, body });
    if (!response.ok || !response.body)
      throw new Error(`the server answered ${response.status}: ${await response.text()}`);
    process.stdout.write(`\x1b[2m${prompt}\x1b[0m`);
    for await (const data of sseData(response.body)) {
      const chunk = JSON.parse(data) as { choices?: { text?: string }[] };
      process.stdout.write(chunk.choices?.[0]?.text ?? '');
    }
    process.stdout.write('\n');
  } finally {
    forward.close();
  }
}

function farewell({ cluster, tools }: Stack, hostAddress: string, seconds: number): void {
  console.log(`Everything above took ${seconds} s and is still running.

  export KUBECONFIG=${cluster.kubeconfig}
  alias kubectl=${tools.kubectl}
  kubectl get models,modelservers -o wide
  kubectl describe model gemma
  kubectl port-forward service/gemma 8080:80 &
  curl http://127.0.0.1:8080/v1/completions -H 'content-type: application/json' \\
    -d '{"model": "gemma", "prompt": "The capital of France is", "max_tokens": 16}'

The hub of the demo answers on http://${hostAddress}:${hubPort}. Remove it all with: npm run demo -- --down`);
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`\nlongshore: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
