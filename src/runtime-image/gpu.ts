import { constants } from 'node:fs';
import { access, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Llama, LlamaOptions } from 'node-llama-cpp';
import { getLlama, NoBinaryFoundError } from 'node-llama-cpp';
import type { Variant } from '../protocols/runtime.ts';
import { cudaDevices, whyNoCode } from './cuda-code.ts';

/** This image computes on GPUs and can use none here; the message says why, as far as that is to be seen from inside. */
export class GpuNotUsable extends Error {
  override readonly name = 'GpuNotUsable';
}

/**
 * llama.cpp as this image carries it. An image for GPUs does not fall back to the CPU: who asked for a GPU would wait
 * for answers a hundred times slower, and pay for a GPU that does nothing.
 * @param variant of the image; absent outside of one, where whatever is installed is used
 * @throws GpuNotUsable, NoBinaryFoundError
 */
export async function llamaFor(
  wantsGpu: boolean,
  variant: Variant | undefined,
  options: LlamaOptions,
): Promise<Llama> {
  if (variant === undefined) return await getLlama({ ...options, gpu: wantsGpu ? 'auto' : false });
  if (variant === 'cpu') return await getLlama({ ...options, gpu: false });
  if (!wantsGpu)
    throw new GpuNotUsable('the server asks for none; image.runtime.cpu of the chart is for that');
  const devices = variant === 'cuda' ? cudaDevices() : [];
  let llama: Llama;
  try {
    llama = await getLlama({ ...options, gpu: variant });
  } catch (error) {
    if (error instanceof NoBinaryFoundError) throw new GpuNotUsable(await whyNot(variant), { cause: error });
    throw error;
  }
  // Vulkan starts without a device, too.
  if ((await llama.getGpuDeviceNames()).length === 0) throw new GpuNotUsable(await whyNot(variant));
  const noCode = whyNoCode(await devices);
  if (noCode !== undefined) throw new GpuNotUsable(noCode);
  return llama;
}

/** What is looked at in the container, which tests have in a folder. */
export interface Container {
  root: string;
  /** As LD_LIBRARY_PATH has it. */
  libraryPath: string;
  mayUse: (path: string) => Promise<boolean>;
}

const here: Container = {
  root: '/',
  libraryPath: process.env['LD_LIBRARY_PATH'] ?? '',
  mayUse: (path) =>
    access(path, constants.R_OK | constants.W_OK).then(
      () => true,
      () => false,
    ),
};

/** Why there is no GPU, in the words of who can change that. */
export function whyNot(variant: 'cuda' | 'vulkan', container: Container = here): Promise<string> {
  return variant === 'cuda' ? whyNoCuda(container) : whyNoVulkan(container);
}

/** Where the container toolkit puts the driver, beside what LD_LIBRARY_PATH names. */
const libraryFolders = ['/usr/lib/x86_64-linux-gnu', '/usr/lib64', '/usr/lib'];

async function whyNoCuda({ root, libraryPath }: Container): Promise<string> {
  const folders = [...libraryPath.split(':').filter((folder) => folder !== ''), ...libraryFolders];
  const found = await Promise.all(folders.map((folder) => namesIn(join(root, folder))));
  if (!found.flat().includes('libcuda.so.1')) {
    return "the driver's libcuda.so.1 is not in the container. The node needs NVIDIA's driver and container toolkit, and the pod their runtime class (spec.pod.runtimeClassName) where that is not the default";
  }
  return 'the driver of the node has none for CUDA 13. It has to be 580 or later, and the container has to be given a device: nvidia-smi on the node says which driver it is';
}

async function whyNoVulkan({ root, mayUse }: Container): Promise<string> {
  const names = (await namesIn(join(root, 'dev/dri'))).filter((name) => name.startsWith('renderD'));
  const [device] = names;
  if (device === undefined) {
    return 'no /dev/dri/renderD... is in the container. The device plugin of the node has to give it one';
  }
  const paths = names.map((name) => join(root, 'dev/dri', name));
  const usable = await Promise.all(paths.map(mayUse));
  if (!usable.includes(true)) {
    const { gid } = await stat(join(root, 'dev/dri', device));
    return `/dev/dri/${device} may not be opened. It belongs to group ${gid}: add that to spec.pod.supplementalGroups`;
  }
  return `Mesa's drivers for AMD and Intel know no GPU behind /dev/dri/${device}. GPUs of NVIDIA take the image for CUDA`;
}

function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
