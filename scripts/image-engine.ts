/** The two ways an image is built: Docker where an engine answers, buildah with a base made from Debian packages elsewhere. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ensureDebianPackages } from '../test/cluster/tools/debian.ts';

const exec = promisify(execFile);
type Say = (line: string) => void;
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

/** The name of a base image for the Dockerfiles. */
export async function baseImage(engine: Engine, cache: string, say: Say): Promise<string> {
  if (engine === 'docker') return 'gcr.io/distroless/cc-debian12';
  const release = await readFile('/etc/os-release', 'utf8');
  const suite = /^VERSION_CODENAME=(.+)$/m.exec(release)?.[1] ?? 'stable';
  const key = createHash('sha256')
    .update(JSON.stringify([suite, basePackages]))
    .digest('hex')
    .slice(0, 12);
  const name = `localhost/longshore-base:${key}`;
  if (await succeeds('buildah', ['inspect', '--type', 'image', name])) return name;

  const tar = join(cache, `base-${key}.tar`);
  if (!(await stat(tar).catch(() => undefined))) {
    say('making a base image from Debian packages (about 10 s) ...');
    await mkdir(cache, { recursive: true });
    const partial = `${tar}.${process.pid}.tar`;
    const excluded = ['doc', 'man', 'info', 'locale', 'lintian'].map(
      (folder) => `--dpkgopt=path-exclude=/usr/share/${folder}/*`,
    );
    await exec(
      'mmdebstrap',
      ['--quiet', '--variant=extract', `--include=${basePackages.join(',')}`, ...excluded, suite, partial],
      { maxBuffer: 1 << 26 },
    );
    await rename(partial, tar);
  }
  const container = (await exec('buildah', ['from', 'scratch'])).stdout.trim();
  try {
    await exec('buildah', ['add', '--quiet', container, tar, '/']);
    await exec('buildah', ['commit', '--quiet', container, name]);
  } finally {
    await exec('buildah', ['rm', container]);
  }
  return name;
}

export interface BuildRequest {
  /** The folder that the Dockerfile's COPY reads. */
  context: string;
  base: string;
  reference: string;
  /** Where the OCI archive is written. */
  archive: string;
}

export async function buildImage(
  engine: Engine,
  { context, base, reference, archive }: BuildRequest,
): Promise<void> {
  const options = { maxBuffer: 1 << 26 };
  if (engine === 'docker') {
    await exec(
      'docker',
      ['build', '--quiet', '--build-arg', `BASE=${base}`, '--tag', reference, context],
      options,
    );
    await exec('docker', ['save', '--output', archive, reference], options);
    return;
  }
  const arguments_ = [
    '--isolation',
    'chroot',
    '--format',
    'oci',
    '--build-arg',
    `BASE=${base}`,
    '--tag',
    reference,
  ];
  await exec('buildah', ['bud', '--quiet', ...arguments_, context], options);
  try {
    await exec('buildah', ['push', '--quiet', reference, `oci-archive:${archive}:${reference}`], options);
  } catch (error) {
    await rm(archive, { force: true });
    throw error;
  } finally {
    // The archive is what is used from here on.
    await exec('buildah', ['rmi', '--force', reference]).catch(() => undefined);
  }
}

async function succeeds(command: string, arguments_: string[]): Promise<boolean> {
  return exec(command, arguments_, { timeout: 20_000 }).then(
    () => true,
    () => false,
  );
}
