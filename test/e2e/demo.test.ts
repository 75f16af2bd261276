import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { startCluster, type Cluster } from '../cluster/cluster.ts';
import { run } from '../cluster/commands.ts';
import { clusterForTests } from '../cluster/test-run.ts';

const root = join(import.meta.dirname, '../..');
const name = `e2e-demo-${process.pid}`;

interface Ended {
  code: number | null;
  /** What it printed, both streams. */
  said: string;
}

/** `npm run demo` without npm. */
function demo(arguments_: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const child = spawn(process.execPath, [join(root, 'scripts/demo.ts'), ...arguments_], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, said }));
  });
}

// A second cluster is what a cluster that is there already can be shown with; a run on one has no second one.
describe.skipIf(process.env['LONGSHORE_TEST_CLUSTER'] === 'existing')('the demo', () => {
  let cluster: Cluster;
  let existing: NodeJS.ProcessEnv;

  beforeAll(async () => {
    const say = (line: string): void => console.error(`e2e: ${line}`);
    const own = await clusterForTests('e2e-demo', say);
    cluster = await startCluster({ name: own.name, mode: 'node', say });
    existing = {
      LONGSHORE_TEST_CLUSTER: 'existing',
      KUBECONFIG: cluster.kubeconfig,
      LONGSHORE_TEST_HOST_ADDRESS: cluster.hostAddress,
      LONGSHORE_TEST_IMAGE_COMMAND: `LONGSHORE_TEST_CLUSTER=${cluster.provider} ${process.execPath} ${root}/test/cluster/main.ts load --name ${own.name}`,
    };
  });
  afterAll(async () => {
    await demo(['--down', '--name', name], existing);
    await cluster.down();
  });

  const kubectl = (...arguments_: string[]): Promise<string> =>
    run(inject('e2e').kubectl, arguments_, { env: { ...process.env, KUBECONFIG: cluster.kubeconfig } });

  it('pulls a Model of each source on a cluster that is there already, and both servers answer', async () => {
    const { code, said } = await demo(['--name', name], existing);
    expect(said).toMatch(/^gemma\s+True\s+Ready\s+100%/m);
    expect(said).toMatch(/^gemma-chat\s+True\s+Ready\s+100%/m);
    expect(said).toMatch(/1, 2, 3, 4,\S* 5, 6, 7, 8/);
    expect(said).toMatch(/What colour is the sky\?\S* ?The sky is blue/);
    expect(said).not.toContain('Q:');
    // Both from the same address, by the name of the model.
    const [, asked] = said.split('http://longshore-gateway.longshore-system.svc');
    expect(asked).toMatch(/^POST \/v1\/completions \{"model": "gemma", /m);
    expect(asked).toMatch(/^POST \/v1\/chat\/completions \{"model": "gemma-chat", /m);
    expect(said).toMatch(/longshore chat gemma-chat$/m);
    expect(code).toBe(0);
  }, 240_000);

  it('goes on with what is up when it is started again', async () => {
    const { code, said } = await demo(['--name', name], existing);
    expect(said).toMatch(/model\.longshore\.dev\/gemma unchanged/);
    expect(said).toMatch(/The sky is blue/);
    expect(code).toBe(0);
  }, 120_000);

  it('leaves the cluster and the CRDs behind, and nothing else', async () => {
    const { code } = await demo(['--down', '--name', name], existing);
    expect(code).toBe(0);
    expect((await kubectl('get', 'crds', '-o', 'name')).match(/longshore\.dev/g)).toHaveLength(2);
    expect(await kubectl('get', 'models,modelservers', '-A', '-o', 'name')).toBe('');
    const namespaced = 'deployments,jobs,serviceaccounts,roles';
    expect(await kubectl('-n', 'longshore-system', 'get', namespaced, '-o', 'name')).toBe(
      'serviceaccount/default\n',
    );
    expect(await kubectl('get', 'clusterroles,clusterrolebindings', '-o', 'name')).not.toContain('longshore');
  });
});

describe('the command of the demo', () => {
  it('says at once that pods of the native cluster cannot reach the public hubs', async () => {
    const { code, said } = await demo(['--public'], { LONGSHORE_TEST_CLUSTER: 'native' });
    expect(said).toMatch(/no way to the internet: set LONGSHORE_TEST_CLUSTER to kind or existing/);
    expect(code).toBe(1);
  });

  it('says what it takes when it is mistyped', async () => {
    const { code, said } = await demo(['--dwon']);
    expect(said).toMatch(/--dwon/);
    expect(said).not.toMatch(/\n\s+at /);
    expect(code).toBe(1);
  });
});
