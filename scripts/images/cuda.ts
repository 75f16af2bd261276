/** The CUDA libraries that llama.cpp's build for CUDA asks for, from NVIDIA's own packages on PyPI. */
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pinnedPackages } from '../../test/hub/python/pip.ts';
import type { Say } from './platform.ts';
import type { Component } from './sbom.ts';

export const cudaRequirements = join(import.meta.dirname, 'cuda-requirements.txt');

/** NVIDIA lets them be handed on as parts of a program: Attachment A of the CUDA Toolkit EULA. */
const libraries = ['libcudart.so.13', 'libcublas.so.13', 'libcublasLt.so.13'];

/** Where they are in the image. */
export const cudaFolder = '/usr/local/lib/cuda';

/** What the container toolkit brings from the node, since it has to be that of its kernel. */
export const librariesOfDriver = ['libcuda.so.1'];

/** NVIDIA's packages for the machine that the image is for. */
export function nvidiaPackages(name: string, requirements: string): Promise<string> {
  const platforms = ['--platform=manylinux_2_27_x86_64', '--platform=manylinux2014_x86_64'];
  return pinnedPackages(name, requirements, platforms);
}

/** Those that the image has parts of. Fetches 400 MB the first time. */
export async function cudaPackages(say: Say): Promise<string> {
  say('taking the CUDA libraries from PyPI (400 MB the first time) ...');
  return await nvidiaPackages('cuda', cudaRequirements);
}

/** Puts the libraries of `folder` below `root`, with their licence. */
export async function stageCuda(root: string, folder: string): Promise<Component[]> {
  const text = await readFile(cudaRequirements, 'utf8');
  for (const library of libraries) {
    await cp(join(folder, 'nvidia/cu13/lib', library), join(root, cudaFolder, library));
  }
  const components = [...text.matchAll(/^([\w-]+)==([\d.]+)/gm)].map(([, name = '', version = '']) => ({
    type: 'library' as const,
    name,
    version,
    purl: `pkg:pypi/${name}@${version}`,
    licenses: [{ license: { name: 'NVIDIA CUDA Toolkit EULA' } }],
  }));
  for (const { name, version } of components) {
    const licence = `${name.replaceAll('-', '_')}-${version}.dist-info/licenses/License.txt`;
    await cp(join(folder, licence), join(root, 'usr/share/doc', name, 'copyright'));
  }
  return components;
}
