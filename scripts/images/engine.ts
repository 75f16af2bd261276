/** The two ways an image is built: Docker where an engine answers, buildah with a base made from Debian packages elsewhere. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { run } from '../../test/cluster/commands.ts';
import { ensureDebianPackages } from '../../test/cluster/tools/debian.ts';
import { debianTree, packagesOf, readPackages, type DebianPackage } from './debian.ts';
import { debianNames, type Architecture, type Say } from './platform.ts';

export type Engine = 'docker' | 'buildah';

/** What the base holds beside glibc: the C++ runtime of node and llama.cpp, OpenMP, time zones. */
const basePackages = ['libc6', 'libstdc++6', 'libgomp1', 'ca-certificates', 'tzdata'];

/** `docker info` decides: a client without an engine builds nothing. */
export async function engineName(say: Say): Promise<Engine> {
  if (await succeeds('docker', ['info'])) return 'docker';
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    throw new Error('images are built by a Docker engine, or by buildah as root on Linux: neither is here');
  }
  await ensureDebianPackages(['buildah', 'mmdebstrap'], { say });
  return 'buildah';
}

/** What the Dockerfiles begin with. */
export interface Base {
  /** As FROM takes it. */
  name: string;
  packages: DebianPackage[];
}

interface BaseRequest {
  architecture: Architecture;
  cache: string;
  say: Say;
}

export function baseImage(engine: Engine, request: BaseRequest): Promise<Base> {
  return engine === 'docker' ? distroless(request.architecture) : ownBase(request);
}

async function distroless(architecture: Architecture): Promise<Base> {
  const name = 'gcr.io/distroless/cc-debian13';
  const platform = `linux/${debianNames[architecture]}`;
  const container = (await run('docker', ['create', '--quiet', '--platform', platform, name, 'none'])).trim();
  const folder = await mkdtemp(join(tmpdir(), 'longshore-base-'));
  try {
    await run('docker', ['cp', `${container}:/var/lib/dpkg/status.d`, folder]);
    const notes = (await readdir(join(folder, 'status.d'))).filter((note) => !note.endsWith('.md5sums'));
    const texts = await Promise.all(notes.map((note) => readFile(join(folder, 'status.d', note), 'utf8')));
    return { name, packages: readPackages(texts.join('\n')) };
  } finally {
    await rm(folder, { recursive: true, force: true });
    await run('docker', ['rm', container]);
  }
}

async function ownBase({ architecture, cache, say }: BaseRequest): Promise<Base> {
  const tar = await debianTree({ packages: basePackages, architecture, cache, say });
  const name = `localhost/longshore-base:${basename(tar, '.tar')}`;
  const base = { name, packages: await packagesOf(tar) };
  if (await succeeds('buildah', ['inspect', '--type', 'image', name])) return base;
  const container = (await run('buildah', ['from', 'scratch'])).trim();
  try {
    await run('buildah', ['config', '--arch', debianNames[architecture], container]);
    await run('buildah', ['add', '--quiet', container, tar, '/']);
    await run('buildah', ['commit', '--quiet', container, name]);
  } finally {
    await run('buildah', ['rm', container]);
  }
  return base;
}

export interface BuildRequest {
  /** The folder that the Dockerfile's COPY reads. */
  context: string;
  architecture: Architecture;
  /** As the Dockerfile's ARG names them. */
  arguments: Readonly<Record<string, string>>;
  reference: string;
  /** Where the OCI archive is written. */
  archive: string;
}

/** What both engines take to build the same. */
export function buildArguments(request: Omit<BuildRequest, 'archive'>): string[] {
  return [
    `--platform=linux/${debianNames[request.architecture]}`,
    ...Object.entries(request.arguments).map(([name, value]) => `--build-arg=${name}=${value}`),
    `--tag=${request.reference}`,
    request.context,
  ];
}

export async function buildImage(engine: Engine, request: BuildRequest): Promise<void> {
  const { reference, archive } = request;
  if (engine === 'docker') {
    await run('docker', ['build', '--quiet', ...buildArguments(request)]);
    await run('docker', ['save', '--output', archive, reference]);
    return;
  }
  await run('buildah', ['bud', '--quiet', '--isolation=chroot', '--format=oci', ...buildArguments(request)]);
  try {
    await run('buildah', ['push', '--quiet', reference, `oci-archive:${archive}:${reference}`]);
  } catch (error) {
    await rm(archive, { force: true });
    throw error;
  } finally {
    // The archive is what is used from here on.
    await run('buildah', ['rmi', '--force', reference]).catch(() => undefined);
  }
}

async function succeeds(command: string, arguments_: string[]): Promise<boolean> {
  return run(command, arguments_).then(
    () => true,
    () => false,
  );
}
