/**
 * Builds the two images. A staged context (the bundled program, node, and for the runtime node-llama-cpp) goes through
 * the Dockerfile of the program with Docker where an engine answers, else with buildah. An image is tagged with the
 * hash of its context, so what did not change is not built again.
 */
import { createHash } from 'node:crypto';
import { cp, glob, mkdir, mkdtemp, readFile, readlink, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { bundleOptions } from './bundle.ts';
import { baseImage, buildImage, engineName } from './image-engine.ts';

const root = join(import.meta.dirname, '..');
const cache = join(
  process.env['XDG_CACHE_HOME'] ?? join(process.env['HOME'] ?? tmpdir(), '.cache'),
  'longshore',
  'images',
);

export interface BuiltImage {
  /** `repository:tag`. */
  reference: string;
  repository: string;
  tag: string;
  /** An OCI archive that holds the image under its reference. */
  archive: string;
}

export interface BuiltImages {
  operator: BuiltImage;
  runtime: BuiltImage;
}

interface ImageDefinition {
  repository: string;
  dockerfile: string;
  /** Output name -> program. */
  programs: Record<string, string>;
  /** Packages that stay outside the bundle, taken from this folder. */
  modules?: { folder: string; external: string[]; omit: (path: string) => boolean };
}

const definitions: Record<keyof BuiltImages, ImageDefinition> = {
  operator: {
    repository: 'longshore.dev/operator',
    dockerfile: 'src/operator/Dockerfile',
    programs: {
      operator: 'src/operator/main.ts',
      puller: 'src/puller/main.ts',
      // The puller looks for it beside itself.
      'hash-worker': 'src/puller/transfer/hash-worker.ts',
    },
  },
  runtime: {
    repository: 'longshore.dev/runtime',
    dockerfile: 'src/runtime-image/Dockerfile',
    programs: { main: 'src/runtime-image/main.ts' },
    modules: {
      folder: 'src/runtime-image/node_modules',
      external: ['node-llama-cpp'],
      omit: notNeededToServe,
    },
  },
};

/**
 * What node-llama-cpp carries for people who compile llama.cpp or start projects, and what only editors and debuggers
 * read: half of its weight. Its JSON files beside llama.cpp's source say which build the binary is.
 */
function notNeededToServe(path: string): boolean {
  return (
    /\/node-llama-cpp\/(templates|bins\/_linux)/.test(path) ||
    /\/node-llama-cpp\/llama\/(?![^/]*\.json$)/.test(path) ||
    /\/node_modules\/\.(bin|package-lock\.json|longshore-lock)/.test(path) ||
    /\.(map|d\.ts|d\.mts|d\.cts|md|tsbuildinfo)$/.test(path)
  );
}

/** Builds what changed since it was last built. */
export async function buildImages(say: (line: string) => void): Promise<BuiltImages> {
  const engine = await engineName(say);
  const base = await baseImage(engine, cache, say);
  const one = (name: keyof BuiltImages) => buildOne(name, { engine, base, say });
  return { operator: await one('operator'), runtime: await one('runtime') };
}

async function buildOne(
  name: keyof BuiltImages,
  { engine, base, say }: { engine: 'docker' | 'buildah'; base: string; say: (line: string) => void },
): Promise<BuiltImage> {
  const definition = definitions[name];
  const context = await mkdtemp(join(tmpdir(), `longshore-${name}-`));
  try {
    await stage(definition, context);
    const tag = (await contextHash(context, base)).slice(0, 12);
    const { repository } = definition;
    const image = {
      reference: `${repository}:${tag}`,
      repository,
      tag,
      archive: join(cache, `${name}-${tag}.tar`),
    };
    if (await exists(image.archive)) return image;
    say(`building the ${name} image with ${engine} ...`);
    await mkdir(cache, { recursive: true });
    const partial = `${image.archive}.${process.pid}`;
    await buildImage(engine, { context, base, reference: image.reference, archive: partial });
    await rename(partial, image.archive);
    return image;
  } finally {
    await rm(context, { recursive: true, force: true });
  }
}

async function stage({ dockerfile, programs, modules }: ImageDefinition, context: string): Promise<void> {
  await build({
    ...bundleOptions,
    entryPoints: programs,
    outdir: join(context, 'app'),
    external: modules?.external ?? [],
  });
  await cp(join(root, dockerfile), join(context, 'Dockerfile'));
  await cp(process.execPath, join(context, 'node'));
  // The bundles are ES modules; Node looks for the nearest package.json to know.
  await cp(join(root, 'src/runtime-image/package.json'), join(context, 'app/package.json'));
  if (modules) {
    await cp(join(root, modules.folder), join(context, 'app/node_modules'), {
      recursive: true,
      verbatimSymlinks: true,
      filter: (source) => !modules.omit(source),
    });
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

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );

if (import.meta.main) {
  const images = await buildImages((line) => console.error(`longshore: ${line}`));
  console.log(JSON.stringify(images, undefined, 2));
}
