import { access, mkdir, mkdtemp, readFile, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { findProgram, run } from '../commands.ts';
import { withLock } from '../lock.ts';
import { cacheFolder } from '../places.ts';

const kubernetesModule = join(import.meta.dirname, 'kubernetes');

/**
 * A group of programs built together from one Go module. `install` are packages for `go install`, of the
 * module's pinned version; without it the group is the module `kubernetes/` beside this file.
 */
type Tool = {
  version: string;
  programs: readonly string[];
  install?: { module: string; packages: readonly string[] };
  /** On two cores with an empty build cache; said before a build starts. */
  cold: string;
};

const tools = {
  kubernetes: {
    version: await kubernetesVersion(),
    programs: [
      'etcd',
      'kube-apiserver',
      'kube-controller-manager',
      'kube-proxy',
      'kube-scheduler',
      'kubectl',
      'kubelet',
    ],
    cold: '7 minutes',
  },
  containerd: {
    version: 'v2.4.2',
    programs: ['containerd', 'containerd-shim-runc-v2', 'ctr'],
    install: {
      module: 'github.com/containerd/containerd/v2',
      packages: ['/cmd/containerd', '/cmd/containerd-shim-runc-v2', '/cmd/ctr'],
    },
    cold: '70 seconds',
  },
  helm: {
    version: 'v4.3.1',
    programs: ['helm'],
    install: { module: 'helm.sh/helm/v4', packages: ['/cmd/helm'] },
    cold: '3 minutes',
  },
  'local-path-provisioner': {
    version: 'v0.0.30',
    programs: ['local-path-provisioner'],
    install: { module: 'github.com/rancher/local-path-provisioner', packages: [''] },
    cold: '20 seconds',
  },
  kubeconform: {
    version: 'v0.8.0',
    programs: ['kubeconform'],
    install: { module: 'github.com/yannh/kubeconform', packages: ['/cmd/kubeconform'] },
    cold: '10 seconds',
  },
  kind: {
    version: 'v0.33.0',
    programs: ['kind'],
    install: { module: 'sigs.k8s.io/kind', packages: [''] },
    cold: '20 seconds',
  },
} satisfies Record<string, Tool>;

export type ToolName = keyof typeof tools;
/** Program name -> absolute path. */
export type ToolPaths = Record<string, string>;

/**
 * Gives the paths of the programs of these groups, building what is not in the cache yet. A build that is
 * killed leaves nothing the next one trips over, and two processes that want the same build share one.
 *
 * Where `KUBEBUILDER_ASSETS` is set, etcd, kube-apiserver and kubectl come from there; the rest of Kubernetes is
 * still built unless `only` names no other program. A `helm` on PATH is taken when its major is 3 or 4.
 */
export async function ensureTools(
  names: readonly ToolName[],
  { say, only }: { say: (line: string) => void; only?: readonly string[] },
): Promise<ToolPaths> {
  const paths: ToolPaths = {};
  for (const name of names) Object.assign(paths, await ensureTool(name, say, only));
  return paths;
}

async function ensureTool(
  name: ToolName,
  say: (line: string) => void,
  only: readonly string[] | undefined,
): Promise<ToolPaths> {
  const assets = name === 'kubernetes' ? await kubebuilderAssets() : {};
  if (only?.every((program) => program in assets)) return assets;
  if (name === 'helm') {
    const helm = await helmOnPath();
    if (helm) return { helm };
  }
  const tool: Tool = tools[name];
  const version = tool.version.replace(/^v/, '');
  const folder = join(cacheFolder(), 'tools', `${name}-${version}`);
  const paths = Object.fromEntries(tool.programs.map((program) => [program, join(folder, program)]));
  if (!(await exists(folder))) {
    const waiting = () => say(`Another process is building ${name} ${version}; waiting for it`);
    await withLock(
      `${folder}.lock`,
      async () => {
        if (!(await exists(folder))) await build(name, tool, folder, say);
      },
      waiting,
    );
  }
  return { ...paths, ...assets };
}

async function build(name: string, tool: Tool, folder: string, say: (line: string) => void): Promise<void> {
  await needGo(name);
  const version = tool.version.replace(/^v/, '');
  say(`Building ${name} ${version} from Go modules (about ${tool.cold} the first time; kept in ${folder})`);
  const parent = join(cacheFolder(), 'tools');
  await mkdir(parent, { recursive: true });
  // Under the lock nobody else builds this one, so what lies there is from a build that was killed.
  for (const left of await readdir(parent))
    if (left.startsWith(`.${name}-`)) await rm(join(parent, left), { recursive: true, force: true });
  const work = await mkdtemp(join(parent, `.${name}-`));
  try {
    const env = { ...process.env, CGO_ENABLED: '0', GOBIN: work };
    if (tool.install) {
      const packages = tool.install.packages.map((path) => `${tool.install?.module}${path}@${tool.version}`);
      await run('go', ['install', '-trimpath', '-ldflags', '-s -w', ...packages], { env });
    } else {
      const ldflags = `-s -w ${versionFlags(tool.version)}`;
      const args = ['build', '-trimpath', '-ldflags', ldflags, '-o', `${work}/`, 'tool'];
      await run('go', args, { env, cwd: kubernetesModule });
      // etcd's main package is called server.
      await rename(join(work, 'server'), join(work, 'etcd'));
    }
    for (const program of tool.programs) await access(join(work, program));
    await rename(work, folder);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** What `kubectl version` and the API's /version answer; without it they say v0.0.0 and clients refuse. */
function versionFlags(version: string): string {
  const [major, minor] = version.replace(/^v/, '').split('.');
  return [`gitVersion=${version}`, `gitMajor=${major}`, `gitMinor=${minor}`]
    .map((value) => `-X k8s.io/component-base/version.${value}`)
    .join(' ');
}

async function kubernetesVersion(): Promise<string> {
  const mod = await readFile(join(kubernetesModule, 'go.mod'), 'utf8');
  const version = /^\s*(?:require )?k8s\.io\/kubernetes (v\S+)/m.exec(mod)?.[1];
  if (!version)
    throw new Error('test/cluster/tools/kubernetes/go.mod names no version of k8s.io/kubernetes.');
  return version;
}

async function kubebuilderAssets(): Promise<ToolPaths> {
  const folder = process.env['KUBEBUILDER_ASSETS'];
  if (!folder) return {};
  const names = ['etcd', 'kube-apiserver', 'kubectl'];
  const found = await Promise.all(names.map((name) => exists(join(folder, name))));
  return Object.fromEntries(names.filter((_, i) => found[i]).map((name) => [name, join(folder, name)]));
}

async function helmOnPath(): Promise<string | undefined> {
  const helm = await findProgram('helm');
  if (!helm) return undefined;
  const version = await run(helm, ['version', '--short']).catch(() => '');
  return /^v[34]\./.test(version) ? helm : undefined;
}

/**
 * Go 1.21 and later fetch the toolchain a module asks for; earlier ones cannot.
 *
 * @throws Error where there is none, with what to do.
 */
export async function needGo(name: string): Promise<void> {
  const version = await run('go', ['env', 'GOVERSION']).catch(() => '');
  const minor = Number(/^go1\.(\d+)/.exec(version)?.[1] ?? 0);
  if (minor < 21) throw new Error(`Go is needed to build ${name}: install golang >= 1.26.`);
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
