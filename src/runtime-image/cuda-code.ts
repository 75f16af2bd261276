/** Whether the image for CUDA has machine code for the GPUs of this container. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** By compute capability. */
export const cudaCode = {
  /** In node-llama-cpp's build: RTX 30, 40 and 50, A10, L4, L40, RTX PRO, DGX Spark. */
  prebuilt: ['8.6', '8.9', '12.0', '12.1'],
  /** Compiled when the image is made, in scripts/images/cuda-kernels.ts: H100, H200 and GH200; A100 and A30. */
  compiled: ['9.0', '8.0'],
} as const satisfies Record<string, readonly string[]>;

/** The first release of the driver that compiles what other GPUs need, from a form that is of CUDA 13.1. */
const compilingDriver = 590;

export interface CudaDevice {
  /** As 9.0. */
  capability: string;
  /** The release of the driver, as 580.159.04. */
  driver: string;
}

/**
 * Why llama.cpp would end the process at its first step, with no more than "CUDA error"; undefined where it would not. One
 * library computes on all GPUs of a process, and each that was compiled when the image was made is for one capability.
 */
export function whyNoCode(devices: readonly CudaDevice[]): string | undefined {
  const { prebuilt, compiled } = cudaCode;
  const all = (known: readonly string[]): boolean =>
    devices.every(({ capability }) => known.includes(capability));
  if (all(prebuilt) || compiled.some((capability) => all([capability]))) return undefined;
  const old = devices.find(({ driver }) => Number.parseInt(driver) < compilingDriver);
  if (!old) return undefined;
  const here = [...new Set(devices.map(({ capability }) => capability))].toSorted();
  const known = [...prebuilt, ...compiled].toSorted((a, b) => Number(a) - Number(b));
  return (
    `the image has no machine code for GPUs of compute capability ${here.join(' and ')}${here.length > 1 ? ' together' : ''}, and the node's driver, ` +
    `${old.driver}, cannot compile it: ${compilingDriver} can. Update the driver, or serve on GPUs of one of ${known.join(', ')}`
  );
}

/** The GPUs of this container; none where nvidia-smi is not in it, or says nothing. */
export async function cudaDevices(): Promise<CudaDevice[]> {
  const query = ['--query-gpu=compute_cap,driver_version', '--format=csv,noheader'];
  const told = await promisify(execFile)('nvidia-smi', query, { timeout: 20_000 }).catch(() => undefined);
  return [...(told?.stdout ?? '').matchAll(/^(\d+\.\d+), *([\d.]+)$/gm)].map(
    ([, capability = '', driver = '']) => ({ capability, driver }),
  );
}
