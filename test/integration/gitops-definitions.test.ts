import { access, glob, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, inject } from 'vitest';
import { parseAllDocuments, stringify } from 'yaml';
import type { KubeObject } from '../../src/kube/kind.ts';
import { run } from '../cluster/commands.ts';
import { renderChart } from './chart.ts';
import { eventually } from './eventually.ts';
import { foreignDefinitions } from './foreign-definitions.ts';
import { itInOwnCluster } from './it.ts';
import { kubeconform } from './kubeconform.ts';
import { operatorObjects } from './operator-objects.ts';

/** What others define, what is asked of all kinds, and what belongs to the whole cluster: in a cluster of its own. */
const root = join(import.meta.dirname, '../..');
const examples = join(root, 'examples');

type Kubectl = (words: string[], input?: string) => Promise<string>;

const it = itInOwnCluster('gitops')
  .extend(
    'kubectl',
    { scope: 'file' },
    ({ cluster }): Kubectl =>
      (words, input) =>
        run(inject('kubectl'), ['--kubeconfig', cluster.kubeconfig, ...words], {
          ...(input !== undefined && { input }),
        }),
  )
  .extend('definitionsOfOthers', { scope: 'file' }, async ({ kubectl, lent }): Promise<Kubectl> => {
    if (!lent) return kubectl;
    const files = (await foreignDefinitions()).flatMap((path) => ['-f', path]);
    await kubectl(['apply', '--server-side', ...files]);
    await kubectl(['wait', '--for=condition=Established', '--timeout=60s', ...files]);
    await makeNamespaces(kubectl, ['argocd', 'flux-system', 'models']);
    return kubectl;
  })
  .extend('withOthers', ({ world, definitionsOfOthers }) => ({
    namespace: world.namespace,
    kubectl: definitionsOfOthers,
  }));

const strictly = ['apply', '--server-side', '--validate=strict', '--dry-run=server', '-f'];

interface Written extends KubeObject {
  kind: string;
  metadata: { name: string; namespace?: string; annotations?: Record<string, string> };
  spec: {
    source: { repoURL: string; path: string; helm?: { valuesObject: object } };
    sourceRef: { name: string };
    path: string;
    dependsOn?: { name: string }[];
    chart: { spec: { chart: string; sourceRef: { name: string } } };
    values: object;
    url: string;
  };
}

function makeNamespaces(kubectl: Kubectl, names: string[]): Promise<string> {
  const all = names.map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }));
  return kubectl(['apply', '-f', '-'], all.map((each) => stringify(each)).join('---\n'));
}

async function objectsIn(pattern: string): Promise<Written[]> {
  const found: Written[] = [];
  for await (const file of glob(pattern, { cwd: examples })) {
    const text = await readFile(join(examples, file), 'utf8');
    found.push(...parseAllDocuments(text).map((document) => document.toJS() as Written));
  }
  expect(found.length).toBeGreaterThan(0);
  return found;
}

describe('the examples for Argo CD, Flux and KEDA', () => {
  it('are what the definitions of these ask for', async ({ withOthers: { namespace, kubectl } }) => {
    await kubectl([...strictly, join(examples, 'gitops'), '--recursive']);
    await kubectl([...strictly, join(examples, 'server-keda.yaml'), '--namespace', namespace]);
    // A check that refuses nothing would pass as well.
    for (const [file, right, wrong] of [
      ['gitops/argocd/root.yaml', 'targetRevision:', 'targetRevison:'],
      ['gitops/flux/kustomizations.yaml', 'dependsOn:', 'dependOn:'],
      ['gitops/flux/sources.yaml', 'interval: 5m', 'interval: soon'],
      ['gitops/flux/operator/release.yaml', 'reconcileStrategy: Revision', 'reconcileStrategy: Commit'],
      ['server-keda.yaml', 'maxReplicaCount: 8', 'maxReplicaCount: many'],
    ] as const) {
      const text = await readFile(join(examples, file), 'utf8');
      expect(text).toContain(right);
      await expect(kubectl([...strictly, '-'], text.replace(right, wrong))).rejects.toThrow(
        wrong.split(':')[0],
      );
    }
  });

  it('name folders, sources and values that there are', async ({}) => {
    const applications = await objectsIn('gitops/argocd/**/*.yaml');
    const flux = await objectsIn('gitops/flux/**/*.yaml');
    const of = (kind: string) => flux.filter((object) => object.kind === kind);
    const releases = of('HelmRelease');
    const values = [
      ...applications.flatMap(({ spec }) => spec.source.helm?.valuesObject ?? []),
      ...releases.map(({ spec }) => spec.values),
    ];
    expect(values).toHaveLength(2);
    for (const each of values) expect(await renderChart(each)).not.toHaveLength(0);

    /** The folder of examples is the repository of the fleet; this checkout is that of Longshore. */
    const folderOf = (repository: string): string => {
      const name = repository.split('/').at(-1);
      if (name === 'fleet.git') return join(examples, 'gitops');
      expect(name).toBe('longshore.git');
      return root;
    };
    const sources = new Map(of('GitRepository').map(({ metadata, spec }) => [metadata.name, spec.url]));
    const paths = [
      ...applications.map(({ spec }) => [spec.source.repoURL, spec.source.path]),
      ...of('Kustomization').map(({ spec }) => [sources.get(spec.sourceRef.name), spec.path]),
      ...releases.map(({ spec }) => [sources.get(spec.chart.spec.sourceRef.name), spec.chart.spec.chart]),
    ];
    expect(paths).toHaveLength(7);
    for (const [repository = '', path = ''] of paths) await access(join(folderOf(repository), path));

    const kustomizations = of('Kustomization').map(({ metadata }) => metadata.name);
    for (const { spec } of of('Kustomization'))
      for (const { name } of spec.dependsOn ?? []) expect(kustomizations).toContain(name);
  });

  it('bring servers after the Models that they name', async ({}) => {
    const waveOf = ({ metadata }: Written): number =>
      Number(metadata.annotations?.['argocd.argoproj.io/sync-wave'] ?? 0);
    const models = await objectsIn('gitops/workloads/models/*.yaml');
    const servers = await objectsIn('gitops/workloads/servers/*.yaml');
    expect(Math.max(...models.map(waveOf))).toBeLessThan(Math.min(...servers.map(waveOf)));
  });
});

describe('kubeconform', () => {
  it('finds nothing wrong with the examples, the chart, and what the operator makes of the examples', async ({
    withOthers: { kubectl },
  }) => {
    const written = await objectsIn('**/*.yaml');
    const everything = { enabled: true, management: { enabled: true } };
    const chart = await renderChart({ replicas: 2, gateway: everything, argocd: { enabled: true } });
    const made = written.flatMap((object) => operatorObjects(object));
    expect(made.length).toBeGreaterThan(written.length);
    const get = (path: string) => kubectl(['get', '--raw', path]);
    await kubeconform([...written, ...chart, ...made], get);

    const [wrong] = structuredClone(made.filter(({ kind }) => kind === 'Deployment'));
    Object.assign(wrong!, { spec: { ...(wrong as Written).spec, replica: 1 } });
    await expect(kubeconform([wrong!], get)).rejects.toThrow(/replica/);
  });
});

describe('the commands of the guide', () => {
  it('put the health checks into argocd-cm, beside what is there', async ({
    world,
    kubectl,
    onTestFinished,
  }) => {
    const guide = await readFile(join(root, 'docs/guides/gitops.md'), 'utf8');
    const script = /```sh\n(kubectl get configmap longshore-argocd.*?)```/s.exec(guide)?.[1] ?? '';
    await makeNamespaces(kubectl, ['argocd', 'longshore-system']);
    const rendered = await renderChart({ argocd: { enabled: true } }, 'longshore-system');
    const map = rendered.find(({ kind }) => kind === 'ConfigMap') as KubeObject & { data: object };
    await kubectl(['apply', '-f', '-'], stringify(map));
    const theirs = ['configmap', 'argocd-cm', '--namespace', 'argocd'];
    await kubectl(['create', ...theirs, '--from-literal', 'url=https://argocd.example.com']);

    const folder = await mkdtemp(join(tmpdir(), 'longshore-guide-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const always = `kubectl() { '${inject('kubectl')}' --kubeconfig '${world.kubeconfig}' "$@"; }`;
    await run('sh', ['-euc', `${always}\n${script}`], { cwd: folder });
    const { data } = JSON.parse(await kubectl(['get', ...theirs, '--output', 'json'])) as { data: object };
    expect(data).toEqual({ url: 'https://argocd.example.com', ...map.data });
  });
});

describe('the roles of people', () => {
  it('let who edits make Models and servers, and who views read them', async ({ world, kubectl }) => {
    const { namespace } = world;
    const roles = (await renderChart({})).filter(({ metadata }) =>
      ['longshore-view', 'longshore-edit'].includes(metadata?.name ?? ''),
    );
    expect(roles.map(({ kind }) => kind)).toEqual(['ClusterRole', 'ClusterRole']);
    await kubectl(['apply', '-f', '-'], roles.map((role) => stringify(role)).join('---\n'));
    for (const role of ['view', 'edit', 'admin']) {
      await kubectl([
        'create',
        'rolebinding',
        role,
        `--clusterrole=${role}`,
        `--user=${role}`,
        '-n',
        namespace,
      ]);
    }
    const asks = async (who: string, verb: string, what: string): Promise<boolean> => {
      const question = ['auth', 'can-i', verb, what, '-n', namespace, `--as=${who}`];
      const answer = await kubectl(question).catch((error: unknown) => String(error));
      return answer.trim() === 'yes';
    };
    // The controller manager adds the rules to the roles of the cluster.
    await eventually(async () => {
      expect(await asks('view', 'get', 'models')).toBe(true);
      expect(await asks('admin', 'create', 'models')).toBe(true);
    });
    const model = await readFile(join(examples, 'model.yaml'), 'utf8');
    const server = await readFile(join(examples, 'server.yaml'), 'utf8');
    const apply = (who: string, text: string) =>
      kubectl(['apply', '--server-side', '-n', namespace, `--as=${who}`, '-f', '-'], text);
    for (const text of [model, server]) {
      await expect(apply('view', text)).rejects.toThrow(/forbidden/);
      await apply('edit', text);
    }
    const as = (who: string, ...words: string[]) => kubectl([...words, '-n', namespace, `--as=${who}`]);
    expect(await as('view', 'get', 'models,modelservers', '-o', 'name')).toBe(
      'model.longshore.dev/qwen3-8b\nmodelserver.longshore.dev/qwen3-8b\n',
    );
    await expect(as('view', 'scale', 'modelserver/qwen3-8b', '--replicas=0')).rejects.toThrow(/forbidden/);
    await as('edit', 'scale', 'modelserver/qwen3-8b', '--replicas=0');
    await expect(as('view', 'delete', 'model', 'qwen3-8b')).rejects.toThrow(/forbidden/);
    const status = ['--subresource=status', '--type=merge', '-p', '{"status":{"servers":9}}'];
    await expect(as('admin', 'patch', 'model', 'qwen3-8b', ...status)).rejects.toThrow(/forbidden/);
    await as('admin', 'delete', 'modelserver,model', 'qwen3-8b');
    // Somebody with no role in the namespace has none in another either.
    expect(await asks('nobody', 'get', 'models')).toBe(false);
  });

  it('are left out where the chart is told so, or is for one namespace', async ({}) => {
    const rolesWith = async (values: object) =>
      (await renderChart(values)).filter(({ metadata }) =>
        Object.keys(metadata?.labels ?? {}).some((label) => label.includes('aggregate-to')),
      );
    expect(await rolesWith({})).toHaveLength(2);
    expect(await rolesWith({ rbac: { aggregate: false } })).toEqual([]);
    expect(await rolesWith({ watchNamespace: 'team' })).toEqual([]);
    await expect(renderChart({ rbac: { aggregates: false } })).rejects.toThrow(/aggregates/);
  });
});
