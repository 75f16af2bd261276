import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { cudaDevices, whyNoCode } from './cuda-code.ts';

const gpus = (driver: string, ...capabilities: string[]) =>
  capabilities.map((capability) => ({ capability, driver }));

describe('code for GPUs of NVIDIA', () => {
  it.each([
    ['is in the build of node-llama-cpp', gpus('580.65.06', '8.9', '8.6')],
    ['was compiled for the image', gpus('580.65.06', '9.0', '9.0')],
    ['is compiled by the driver', gpus('590.44.01', '7.5')],
    [
      'is compiled by the driver for all, where one library has none for all',
      gpus('590.44.01', '8.0', '8.9'),
    ],
    ['is not looked for where nobody says which they are', []],
  ])('%s', (_how, devices) => {
    expect(whyNoCode(devices)).toBeUndefined();
  });

  it('is missing on an older driver, which is said with what to do', () => {
    const told = whyNoCode(gpus('580.159.04', '7.5'));
    expect(told).toContain(
      "compute capability 7.5, and the node's driver, 580.159.04, cannot compile it: 590 can",
    );
    expect(told).toContain('one of 8.0, 8.6, 8.9, 9.0, 12.0, 12.1');
  });

  it('is missing for GPUs together that have some each', () => {
    expect(whyNoCode(gpus('580.159.04', '9.0', '8.9', '9.0'))).toContain('8.9 and 9.0 together');
  });
});

describe('the GPUs of the container', () => {
  /** With a program of that name on the PATH. */
  async function told(script: string) {
    const folder = await mkdtemp(join(tmpdir(), 'longshore-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, 'nvidia-smi'), `#!/bin/sh\n${script}\n`);
    await chmod(join(folder, 'nvidia-smi'), 0o755);
    vi.stubEnv('PATH', `${folder}:${process.env['PATH']}`);
    onTestFinished(() => void vi.unstubAllEnvs());
    return await cudaDevices();
  }

  it('are what nvidia-smi says', async () => {
    const script = `[ "$*" = '--query-gpu=compute_cap,driver_version --format=csv,noheader' ] || exit 1
      echo '9.0, 580.159.04'; echo '8.9, 580.159.04'`;
    expect(await told(script)).toEqual(gpus('580.159.04', '9.0', '8.9'));
  });

  it.each(['exit 9', 'echo "[N/A], [N/A]"'])('are unknown where it says nothing: %s', async (script) => {
    expect(await told(script)).toEqual([]);
  });
});
