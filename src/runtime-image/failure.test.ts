import { describe, expect, it } from 'vitest';
import type { RuntimeSettings } from '../protocols/runtime.ts';
import { failureOf } from './failure.ts';
import { DoesNotFit } from './fit.ts';
import { GpuNotUsable } from './gpu.ts';
import { LlamaLoadError } from './llama.ts';

const settings: RuntimeSettings = {
  servedName: 'gemma',
  // A file that there is.
  modelPath: import.meta.filename,
  parallel: 2,
  gpu: true,
};

const failure = (cause: unknown, complaints: string[] = []) =>
  failureOf(new LlamaLoadError(cause, complaints), settings).failure;

describe('why a runtime ends', () => {
  it('is that the load does not fit, with what would', () => {
    const needs = 'needs 11.2 GiB of memory, free 7.6 GiB; largest context that fits: 4096';
    const { reason, message } = failure(new DoesNotFit('memory', needs));
    expect(reason).toBe('InsufficientMemory');
    expect(message).toContain(needs);
    expect(message).toContain('spec.runtime.contextSize');
    expect(failure(new DoesNotFit('GPU memory', needs)).reason).toBe('InsufficientGPUMemory');
  });

  it.each([
    ['ggml_backend_cpu_buffer_type_alloc_buffer: failed to allocate buffer of size 9', 'InsufficientMemory'],
    ['ggml_gallocr_reserve_n: failed to allocate CUDA0 buffer of size 9', 'InsufficientGPUMemory'],
    ['ggml_vulkan: failed to allocate VRAM', 'InsufficientGPUMemory'],
    ['unknown model architecture: odd', 'LoadFailed'],
  ])('is read from what llama.cpp says: %s', (complaint, reason) => {
    const found = failure(new Error('Failed to create context'), [complaint]);
    expect(found.reason).toBe(reason);
    expect(found.message).toContain(complaint);
  });

  it('is that there is no GPU for an image that needs one', () => {
    const { reason, message } = failure(
      new GpuNotUsable("the driver's libcuda.so.1 is not in the container"),
    );
    expect(reason).toBe('GPUNotUsable');
    expect(message).toContain('libcuda.so.1');
  });

  it('is short enough for Kubernetes to keep', () => {
    expect(failure(new Error('x'.repeat(10_000))).message.length).toBeLessThanOrEqual(3500);
  });
});
