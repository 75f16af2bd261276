import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { readConfig } from '../../src/gateway/config.ts';
import { pods, type Pod } from '../../src/kube/builtin.ts';
import type { KubeObject } from '../../src/kube/kind.ts';
import { ensureTools } from '../cluster/tools/tools.ts';
import { it as itInWorld } from './it.ts';

const run = promisify(execFile);
const chart = join(import.meta.dirname, '../../charts/longshore');

interface Rendered extends KubeObject {
  rules?: { resources: string[]; verbs: string[] }[];
  spec?: { template: { spec: NonNullable<Pod['spec']> } };
}

/** What the chart has of the gateway's, by its kinds. */
const it = itInWorld.extend('rendered', async ({}) => {
  const { helm = '' } = await ensureTools(['helm'], { say: (line) => console.error(`gateway: ${line}`) });
  return async (...values: string[]): Promise<Map<string, Rendered>> => {
    const set = values.flatMap((value) => ['--set', value]);
    const { stdout } = await run(helm, ['template', 'longshore', chart, ...set]);
    const all = parseAllDocuments(stdout).flatMap((document) => (document.toJS() as Rendered | null) ?? []);
    const ours = all.filter(({ metadata }) => metadata?.name === 'longshore-gateway');
    return new Map(ours.map((object) => [object.kind ?? '', object]));
  };
});

const podOf = (rendered: Map<string, Rendered>) => rendered.get('Deployment')!.spec!.template.spec;

const configOf = (rendered: Map<string, Rendered>) =>
  readConfig(Object.fromEntries(podOf(rendered).containers[0]!.env!.map(({ name, value }) => [name, value])));

describe.concurrent('the chart', () => {
  it('has no gateway unless it is asked for', async ({ rendered }) => {
    expect([...(await rendered()).keys()]).toEqual([]);
    expect([...(await rendered('gateway.enabled=true')).keys()].toSorted()).toEqual([
      'ClusterRole',
      'ClusterRoleBinding',
      'Deployment',
      'NetworkPolicy',
      'PodDisruptionBudget',
      'Service',
      'ServiceAccount',
    ]);
  });

  it('hands its values to the gateway', async ({ rendered }) => {
    expect(configOf(await rendered('gateway.enabled=true'))).toMatchObject({
      namespace: undefined,
      apiKeys: undefined,
      tls: undefined,
      management: undefined,
      admission: { requests: 1000, bytes: 128 * 1024 * 1024 },
    });
    const values = [
      'gateway.enabled=true',
      'watchNamespace=team',
      'gateway.homeNamespace=home',
      'gateway.auth.secretName=keys',
      'gateway.tls.secretName=certificate',
      'gateway.management.enabled=true',
      'gateway.management.endpoints={https://a.internal,https://b.internal}',
      'gateway.management.gpus=0',
      'gateway.management.hub=http://hub.internal:8090',
      'gateway.management.registry=https://ollama.internal',
    ];
    const guarded = await rendered(...values);
    expect(configOf(guarded)).toMatchObject({
      namespace: 'team',
      homeNamespace: 'home',
      apiKeys: '/api-keys',
      tls: '/tls',
      management: {
        namespace: 'team',
        endpoints: ['https://a.internal', 'https://b.internal'],
        gpus: 0,
        hub: 'http://hub.internal:8090',
        registry: 'https://ollama.internal',
      },
    });
    expect(podOf(guarded).volumes).toEqual([
      { name: 'api-keys', secret: { secretName: 'keys' } },
      { name: 'tls', secret: { secretName: 'certificate' } },
    ]);
    expect(podOf(guarded).containers[0]?.volumeMounts).toHaveLength(2);
  });

  it.for(['auth.secretname=keys', 'management.enabled=yes', 'managment.enabled=true'])(
    'is not installed with a gateway that has %s',
    async (value, { rendered }) => {
      await expect(rendered('gateway.enabled=true', `gateway.${value}`)).rejects.toThrow(/gateway/);
    },
  );

  it('says after the installation how the gateway is asked, and that it asks for no key', async ({}) => {
    const { helm = '' } = await ensureTools(['helm'], { say: (line) => console.error(`gateway: ${line}`) });
    const notes = async (values: string): Promise<string> => {
      const release = ['install', 'longshore', chart, '-n', 'system', '--dry-run=client', '--set', values];
      return (await run(helm, release)).stdout.split('\nNOTES:\n')[1] ?? '';
    };
    const open = await notes('gateway.enabled=true,gateway.management.enabled=true');
    expect(open).toContain('port-forward -n system service/longshore-gateway 8080:80');
    expect(open).toContain('everybody who can connect may ask models, and pull, load and delete them.');
    const guarded = await notes('gateway.enabled=true,gateway.auth.secretName=k,gateway.tls.secretName=t');
    expect(guarded).toContain('https://127.0.0.1:8080/v1/models');
    expect(guarded).not.toContain('everybody');
    expect(await notes('gateway.enabled=false')).not.toContain('gateway');
  });

  it('gives the gateway rights to write only where it may manage', async ({ rendered }) => {
    const verbs = (objects: Map<string, Rendered>): string[] =>
      [...new Set(objects.get('ClusterRole')!.rules!.flatMap((rule) => rule.verbs))].toSorted();
    expect(verbs(await rendered('gateway.enabled=true'))).toEqual(['list', 'watch']);
    const managing = await rendered('gateway.enabled=true', 'gateway.management.enabled=true');
    expect(verbs(managing)).toEqual(['create', 'delete', 'get', 'list', 'watch']);
    const written = managing.get('ClusterRole')!.rules!.filter((rule) => rule.verbs.includes('create'));
    expect(written.flatMap(({ resources }) => resources)).toEqual(['models', 'modelservers']);
  });

  it('has gateways that the restricted level admits', async ({ rendered, world }) => {
    const spec = podOf(await rendered('gateway.enabled=true', 'gateway.auth.secretName=k'));
    const pod = { metadata: world.ref('gateway'), spec: { ...spec, serviceAccountName: 'default' } };
    // The namespace of the world enforces it: a pod that is not so is refused.
    const made = await world.client.create(pods, pod);
    expect(made.metadata.name).toBe('gateway');
    const privileged = { ...pod, metadata: world.ref('other'), spec: { ...pod.spec, hostNetwork: true } };
    await expect(world.client.create(pods, privileged)).rejects.toMatchObject({ status: 403 });
  });
});
