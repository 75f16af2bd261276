import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, inject } from 'vitest';
import { parseAllDocuments, stringify } from 'yaml';
import { createMetrics } from '../../src/runtime-image/metrics.ts';
import { newState } from '../../src/runtime-image/state.ts';
import { run } from '../cluster/commands.ts';
import { serves } from './fake-kubelet.ts';
import { expectHardened } from './hardening.ts';
import { it } from './it.ts';
import { isReady } from './objects.ts';

const root = join(import.meta.dirname, '../..');

interface Written {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
  spec: { modelRef: { name: string }; scaleTargetRef?: object };
}

async function example(file: string): Promise<Written[]> {
  const text = await readFile(join(root, 'examples', file), 'utf8');
  return parseAllDocuments(text).map((document) => document.toJS() as Written);
}

/** Of the group of KEDA, which is not in the tests' cluster. */
const isKeda = ({ apiVersion }: Written) => apiVersion.startsWith('keda.sh/');

const gpu = (resource: string) => ({ limits: { [resource]: '1' } });

describe.concurrent('the example of a server', () => {
  it.for([
    ['server.yaml', gpu('nvidia.com/gpu'), 'cuda'],
    ['server-replicas.yaml', gpu('nvidia.com/gpu'), 'cuda'],
    ['server-mig.yaml', gpu('nvidia.com/mig-1g.10gb'), 'cuda'],
    ['server-amd.yaml', gpu('amd.com/gpu'), 'vulkan'],
    ['server-intel.yaml', gpu('gpu.intel.com/i915'), 'vulkan'],
    ['server-dra.yaml', { claims: [{ name: 'gpu' }] }, 'cuda'],
    ['server-hpa.yaml', gpu('nvidia.com/gpu'), 'cuda'],
    ['server-keda.yaml', gpu('nvidia.com/gpu'), 'cuda'],
    ['server-api-keys.yaml', gpu('nvidia.com/gpu'), 'cuda'],
    ['server-cpu.yaml', { limits: { cpu: '4', memory: '8Gi' } }, ':1'],
  ] as const)('%s is applied as it is, and serves', async ([file, resources, image], { world }) => {
    const { kubelet, servers } = world;
    const objects = await example(file);
    const server = objects.find(({ kind }) => kind === 'ModelServer')!;
    const { name } = server.metadata;
    // A Model for each, so that they wait for nobody.
    server.spec.modelRef.name = `of-${name.slice(0, 30)}`;
    await world.readyModel(server.spec.modelRef.name);
    const pods = { server: name };
    kubelet.always(pods, async (pod) => {
      expectHardened(pod.spec);
      expect(pod.spec.containers[0]).toMatchObject({
        resources,
        image: expect.stringContaining(image) as string,
      });
      await serves(pod);
    });
    const input = objects
      .filter((each) => !isKeda(each))
      .map((each) => stringify(each))
      .join('---\n');
    await run(
      inject('kubectl'),
      [
        '--kubeconfig',
        inject('kubeconfig'),
        '-n',
        world.namespace,
        'apply',
        '--server-side',
        '--validate=strict',
        '-f',
        '-',
      ],
      { input },
    );
    await servers.untilOne(name, isReady);
  });

  it('is linked from a guide, whichever it is', async ({}) => {
    const folder = join(root, 'docs/guides');
    const texts = await Promise.all(
      (await readdir(folder)).map((name) => readFile(join(folder, name), 'utf8')),
    );
    const examples = (await readdir(join(root, 'examples'))).filter((name) => /^server.*\.yaml$/.test(name));
    const linked = examples.filter((name) =>
      texts.some((text) => text.includes(`](../../examples/${name})`)),
    );
    expect(linked).toEqual(examples);
  });

  it.for(['server-hpa.yaml', 'server-keda.yaml'])(
    '%s has its own server scaled, by metrics that there are',
    async (file) => {
      const [server, scaler] = await example(file);
      expect(scaler?.spec.scaleTargetRef).toEqual({
        apiVersion: server?.apiVersion,
        kind: server?.kind,
        name: server?.metadata.name,
      });
      const shown = await createMetrics(newState('m', new Date())).text();
      const named = JSON.stringify(scaler).match(/longshore_runtime_\w+/g) ?? [];
      expect(named.length).toBeGreaterThan(0);
      for (const metric of named) expect(shown).toContain(`# TYPE ${metric} gauge`);
    },
  );
});
