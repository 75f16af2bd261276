/**
 * Builds the images. A staged context goes through the Dockerfile of the program with Docker where an engine answers,
 * else with buildah. An image is tagged with the hash of its context, so what did not change is not built again.
 */
import { createHash } from 'node:crypto';
import { glob, mkdir, mkdtemp, readFile, readlink, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { cacheFolder } from '../test/cluster/places.ts';
import { baseImage, buildArguments, buildImage, engineName, type Engine } from './images/engine.ts';
import { isThere } from './images/npm-package.ts';
import { architectures, ownArchitecture, type Architecture, type Say } from './images/platform.ts';
import { noteOf } from './images/resolved.ts';
import { debianComponent } from './images/sbom.ts';
import { stage, type ImageDefinition } from './images/stage.ts';

const usage = `Builds images, and prints where their archives are.

  npm run images                              the operator, and the runtime for CPUs
  npm run images -- runtime-cuda              any of: operator, runtime, runtime-cuda, runtime-vulkan
  npm run images -- --arch arm64              for another machine than this one; x64 or arm64
  npm run images -- --stage DIR runtime-cuda  only the context, for a build by other means
  npm run images -- --note runtime-cuda       only the note of its programs, which tests look at`;

const cache = join(cacheFolder(), 'images');

export interface BuiltImage {
  /** `repository:tag`. */
  reference: string;
  repository: string;
  tag: string;
  /** An OCI archive that holds the image under its reference. */
  archive: string;
  /** What is in it, as CycloneDX has it; the image has it too. */
  sbom: string;
}

export interface BuiltImages {
  operator: BuiltImage;
  runtime: BuiltImage;
}

const runtime = {
  repository: 'longshore.dev/runtime',
  dockerfile: 'src/runtime-image/Dockerfile',
  programs: { main: 'src/runtime-image/main.ts' },
};

const definitions = {
  operator: {
    repository: 'longshore.dev/operator',
    dockerfile: 'src/operator/Dockerfile',
    programs: {
      operator: 'src/operator/main.ts',
      puller: 'src/puller/main.ts',
      gateway: 'src/gateway/main.ts',
      // The puller looks for it beside itself.
      'hash-worker': 'src/puller/transfer/hash-worker.ts',
    },
  },
  runtime: { ...runtime, variant: 'cpu' },
  'runtime-cuda': { ...runtime, variant: 'cuda' },
  'runtime-vulkan': { ...runtime, variant: 'vulkan' },
} as const satisfies Record<string, ImageDefinition>;
type ImageName = keyof typeof definitions;

interface Building {
  engine: Engine;
  architecture: Architecture;
  say: Say;
}

/** Those that a cluster needs, built where they changed since they were last built. */
export async function buildImages(say: Say): Promise<BuiltImages> {
  const building = { engine: await engineName(say), architecture: ownArchitecture(), say };
  return { operator: await buildOne('operator', building), runtime: await buildOne('runtime', building) };
}

async function buildOne(name: ImageName, building: Building): Promise<BuiltImage> {
  const context = await mkdtemp(join(tmpdir(), `longshore-${name}-`));
  try {
    const { sbom, tag, request } = await stageOne(name, context, building);
    const { repository } = definitions[name];
    const archive = join(cache, `${name}-${tag}.tar`);
    const image = {
      reference: request.reference,
      repository,
      tag,
      archive,
      sbom: join(cache, `${name}-${tag}.cdx.json`),
    };
    await writeFile(image.sbom, sbom);
    if (await isThere(archive)) return image;
    building.say(`building the ${name} image with ${building.engine} ...`);
    const partial = `${archive}.${process.pid}`;
    await buildImage(building.engine, { ...request, archive: partial });
    await rename(partial, archive);
    return image;
  } finally {
    await rm(context, { recursive: true, force: true });
  }
}

/** Fills `context`, and says what the build takes beside it. */
async function stageOne(name: ImageName, context: string, { engine, architecture, say }: Building) {
  await mkdir(cache, { recursive: true });
  const definition: ImageDefinition = definitions[name];
  const { repository, variant = 'cpu' } = definition;
  const base = await baseImage(engine, { architecture, cache, say });
  const components = base.packages.map(debianComponent);
  const { sbom, programs } = await stage(definition, context, { architecture, cache, say, base: components });
  const hash = (await contextHash(context, base.name)).slice(0, 12);
  const tag = [
    hash,
    ...(variant === 'cpu' ? [] : [variant]),
    ...(architecture === ownArchitecture() ? [] : [architecture]),
  ].join('-');
  const buildArguments = { BASE: base.name, ...(definition.variant && { VARIANT: variant }) };
  const request = { context, architecture, reference: `${repository}:${tag}`, arguments: buildArguments };
  return { sbom, programs, tag, request };
}

async function noteOne(name: ImageName, building: Building): Promise<void> {
  const { variant }: ImageDefinition = definitions[name];
  if (variant === undefined || variant === 'cpu') throw new Error(`${name}: the tests run that one`);
  const context = await mkdtemp(join(tmpdir(), `longshore-${name}-`));
  try {
    const { programs } = await stageOne(name, context, building);
    const note = JSON.stringify(await noteOf(programs, variant), undefined, 2);
    await writeFile(join(import.meta.dirname, 'images', `noted-${variant}.json`), `${note}\n`);
  } finally {
    await rm(context, { recursive: true, force: true });
  }
}

async function contextHash(context: string, base: string): Promise<string> {
  const hash = createHash('sha256').update(base);
  const paths = await Array.fromAsync(glob('**/*', { cwd: context, withFileTypes: true }));
  const files = paths
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name));
  for (const file of files.sort()) {
    const info = await stat(file).catch(() => undefined);
    const isLink = await readlink(file).catch(() => undefined);
    hash.update(`${file.slice(context.length)}\0${isLink ?? ''}\0`);
    if (isLink === undefined && info) hash.update(await readFile(file));
  }
  return hash.digest('hex');
}

/** @throws Error that says how it is used */
function asked() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        arch: { type: 'string', default: ownArchitecture() },
        stage: { type: 'string' },
        note: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    const names = positionals.map((name) => oneOf('image', name, Object.keys(definitions) as ImageName[]));
    const { arch, stage: folder } = values;
    if (folder !== undefined && names.length !== 1) throw new Error('--stage takes one image: name it');
    if (values.note && names.length === 0) throw new Error('--note takes images: name them');
    return { ...values, names, architecture: oneOf('architecture', arch, architectures) };
  } catch (error) {
    throw new Error(`${(error as Error).message}\n\n${usage}`, { cause: error });
  }
}

function oneOf<Name extends string>(what: string, given: string, known: readonly Name[]): Name {
  const found = known.find((name) => name === given);
  if (found === undefined) throw new Error(`there is no ${what} '${given}': ${known.join(', ')}`);
  return found;
}

async function main(): Promise<void> {
  const { help, note, stage: folder, names, architecture } = asked();
  if (help) {
    console.log(usage);
    return;
  }
  const say: Say = (line) => console.error(`longshore: ${line}`);
  const building = { engine: await engineName(say), architecture, say };
  if (note) {
    for (const name of names) await noteOne(name, building);
    return;
  }
  const [first] = names;
  if (folder !== undefined && first !== undefined) {
    await mkdir(folder, { recursive: true });
    const { request } = await stageOne(first, resolve(folder), building);
    console.log(['docker', 'build', ...buildArguments(request)].join(' '));
    return;
  }
  const images: Partial<Record<ImageName, BuiltImage>> = {};
  for (const name of first === undefined ? (['operator', 'runtime'] as const) : names)
    images[name] = await buildOne(name, building);
  console.log(JSON.stringify(images, undefined, 2));
}

/** What happened, and below what it came of. */
function told(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error && !message.includes(cause.message) ? `${message}\n${told(cause)}` : message;
}

if (import.meta.main)
  await main().catch((error: unknown) => {
    console.error(`longshore: ${told(error)}`);
    process.exitCode = 1;
  });
