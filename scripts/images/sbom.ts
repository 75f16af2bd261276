/** What is in an image, as CycloneDX has it. https://cyclonedx.org/docs/1.6/json/ */
import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';
import type { DebianPackage } from './debian.ts';

export interface Component {
  type: 'library' | 'application';
  name: string;
  version: string;
  /** https://github.com/package-url/purl-spec */
  purl: string;
  cpe?: string;
  licenses?: ({ license: { name: string } } | { expression: string })[];
}

/** Where it stands in an image; scanners look for files that end so. */
export const sbomPath = 'usr/share/sbom/longshore.cdx.json';

/** The same for the same components, so that an image that does not change keeps its hash: no time, no serial number. */
export function sbomOf(image: { name: string; version: string }, components: readonly Component[]): string {
  const byPurl = new Map(components.map((component) => [component.purl, component]));
  const sorted = [...byPurl.values()].sort((a, b) => (a.purl < b.purl ? -1 : 1));
  const document = {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: { type: 'container', 'bom-ref': image.name, ...image } },
    components: sorted.map((component) => ({ 'bom-ref': component.purl, ...component })),
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

export function nodeComponent(version: string): Component {
  return {
    type: 'application',
    name: 'node',
    version,
    purl: `pkg:generic/node@${version}`,
    cpe: `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:*:*:*:*`,
    licenses: [{ license: { name: 'MIT' } }],
  };
}

export function debianComponent({ name, version, architecture }: DebianPackage): Component {
  const purl = `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}`;
  return { type: 'library', name, version, purl: `${purl}?arch=${architecture}&distro=debian-13` };
}

/** Packages of which something came into a bundle. `root`: what its paths are relative to. */
export async function bundledComponents({ outputs }: Metafile, root: string): Promise<Component[]> {
  const paths = Object.values(outputs).flatMap(({ inputs }) => Object.keys(inputs));
  const folders = paths
    .map((path) => /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(path)?.[0])
    .filter((folder) => folder !== undefined);
  return await Promise.all([...new Set(folders)].map((folder) => npmComponent(join(root, folder))));
}

/** Packages below a `node_modules`, and the llama.cpp that was compiled into some of them. */
export async function installedComponents(modules: string): Promise<Component[]> {
  const manifests = await Array.fromAsync(glob('**/package.json', { cwd: modules }));
  const folders = manifests
    .map((path) => join('node_modules', path).slice(0, -'/package.json'.length))
    .filter((folder) => /node_modules\/(@[^/]+\/)?[^/]+$/.test(folder));
  const packages = await Promise.all(folders.map((folder) => npmComponent(join(modules, '..', folder))));
  const builds = await Array.fromAsync(
    glob('@node-llama-cpp/*/bins/*/_nlcBuildMetadata.json', { cwd: modules }),
  );
  const compiled = await Promise.all(builds.map((path) => llamaCppComponent(join(modules, path))));
  return [...packages, ...compiled];
}

async function npmComponent(folder: string): Promise<Component> {
  const { name, version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
    name: string;
    version: string;
    license?: unknown;
  };
  return {
    type: 'library',
    name,
    version,
    purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
    ...(typeof license === 'string' && { licenses: [{ expression: license }] }),
  };
}

async function llamaCppComponent(path: string): Promise<Component> {
  const { buildOptions } = JSON.parse(await readFile(path, 'utf8')) as {
    buildOptions: { llamaCpp: { repo: string; release: string } };
  };
  const { repo, release } = buildOptions.llamaCpp;
  const purl = `pkg:github/${repo}@${release}`;
  return { type: 'library', name: 'llama.cpp', version: release, purl, licenses: [{ expression: 'MIT' }] };
}
