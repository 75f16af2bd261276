/** The folder that an image is built from: the bundled programs, node, and what of packages goes in beside them. */
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { build } from 'esbuild';
import type { Variant } from '../../src/protocols/runtime.ts';
import { bundleOptions } from '../bundle.ts';
import { cudaPackages, stageCuda } from './cuda.ts';
import { stageCudaKernels } from './cuda-kernels.ts';
import type { Programs } from './libraries.ts';
import { stageKeptThreads } from './kept-threads.ts';
import { lockedPackage, npmPackage, runtimeFolder } from './npm-package.ts';
import { binariesOf, isOfThisMachine, type Architecture, type Say } from './platform.ts';
import { ensureResolved, programsIn } from './resolved.ts';
import {
  bundledComponents,
  debianComponent,
  installedComponents,
  nodeComponent,
  sbomOf,
  sbomPath,
  type Component,
} from './sbom.ts';
import { stageVulkan } from './vulkan.ts';

const root = join(import.meta.dirname, '../..');

export interface ImageDefinition {
  repository: string;
  dockerfile: string;
  /** Output name -> program. */
  programs: Readonly<Record<string, string>>;
  /** Of the runtime: what it computes with. The other images have no packages outside the bundle. */
  variant?: Variant;
}

export interface StageRequest {
  architecture: Architecture;
  /** What was fetched or made before is found here. */
  cache: string;
  say: Say;
  /** Of the image that the Dockerfile begins with. */
  base: readonly Component[];
}

export interface Staged {
  /** The list of what is in the image. */
  sbom: string;
  programs: Programs;
}

/**
 * Fills `context`, which the Dockerfile of the image copies from.
 * @throws Error that names each library that would not be found
 */
export async function stage(
  { repository, dockerfile, programs, variant }: ImageDefinition,
  context: string,
  request: StageRequest,
): Promise<Staged> {
  const bundle = await build({
    ...bundleOptions,
    metafile: true,
    entryPoints: { ...programs },
    outdir: join(context, 'app'),
    external: variant ? ['node-llama-cpp'] : [],
  });
  await cp(join(root, dockerfile), join(context, 'Dockerfile'));
  await cp(await nodeFor(request), join(context, 'node'));
  // The bundles are ES modules; Node looks for the nearest package.json to know.
  await cp(join(runtimeFolder, 'package.json'), join(context, 'app/package.json'));
  const components = [
    ...request.base,
    nodeComponent(process.versions.node),
    ...(await bundledComponents(bundle.metafile, bundleOptions.absWorkingDir)),
    ...(variant ? await stageLlama(variant, context, request) : []),
  ];
  const staged = await programsIn(context);
  ensureResolved(staged, variant);
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  const sbom = sbomOf({ name: variant ? `${repository} (${variant})` : repository, version }, components);
  await mkdir(dirname(join(context, 'root', sbomPath)), { recursive: true });
  await writeFile(join(context, 'root', sbomPath), sbom);
  return { sbom, programs: staged };
}

async function nodeFor({ architecture, cache, say }: StageRequest): Promise<string> {
  if (isOfThisMachine(architecture)) return process.execPath;
  const folder = await npmPackage(`node-linux-${architecture}`, process.versions.node, { cache, say });
  return join(folder, 'bin/node');
}

/** node-llama-cpp with one build of llama.cpp, and what that needs beside the base. */
export async function stageLlama(
  variant: Variant,
  context: string,
  request: Omit<StageRequest, 'base'>,
): Promise<Component[]> {
  const modules = join(context, 'app/node_modules');
  await cp(join(runtimeFolder, 'node_modules'), modules, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (source) => !notNeededToServe(source) && !source.endsWith('/@node-llama-cpp'),
  });
  const binaries = binariesOf(variant, request.architecture);
  const folder = join(modules, binaries);
  await cp(await folderOf(binaries, request), folder, {
    recursive: true,
    filter: (source) => !notNeededToServe(source),
  });
  return [
    ...(await installedComponents(modules)),
    ...(await stageLibraries(variant, context, join(folder, 'bins', basename(binaries)), request)),
  ];
}

async function stageLibraries(
  variant: Variant,
  context: string,
  folder: string,
  request: Omit<StageRequest, 'base'>,
): Promise<Component[]> {
  const target = join(context, 'root');
  if (variant === 'cuda') {
    const libraries = await cudaPackages(request.say);
    await stageCudaKernels(folder, { ...request, libraries });
    return await stageCuda(target, libraries);
  }
  if (variant === 'vulkan') return (await stageVulkan(target, request)).map(debianComponent);
  await stageKeptThreads(folder, request);
  return [];
}

/** The one that bootstrap.sh installed, where it is that; else as the lock file has it. */
async function folderOf(name: string, { cache, say }: Pick<StageRequest, 'cache' | 'say'>): Promise<string> {
  const installed = join(runtimeFolder, 'node_modules', name);
  if (await readFile(join(installed, 'package.json')).catch(() => undefined)) return installed;
  const { version, integrity } = await lockedPackage(name);
  return await npmPackage(name, version, { cache, say, integrity });
}

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
