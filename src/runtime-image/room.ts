import { readFileSync } from 'node:fs';
import { freemem, totalmem } from 'node:os';
import type { Llama } from 'node-llama-cpp';
import { GgufInsights, readGgufFileInfo } from 'node-llama-cpp';
import { contextBytes } from '../gguf/fit.ts';
import type { RuntimeSettings } from '../protocols/runtime.ts';
import { memoryLimit } from './context-size.ts';
import { ensureFits, freeMemory } from './fit.ts';
import type { ModelFile } from './model-file.ts';

/**
 * Before anything is loaded: what does not fit would be killed, again and again. On GPUs llama.cpp allocates what it
 * reserves, and so its own estimate holds; of main memory, only what is certainly used is counted.
 * @throws DoesNotFit
 */
export async function ensureRoom(llama: Llama, settings: RuntimeSettings, file: ModelFile): Promise<void> {
  const { contextSize, parallel, modelPath } = settings;
  const { memory, facts, sizeBytes } = file;
  const asked = { contextSize, parallel, trained: facts.contextLength ?? Infinity };
  if (llama.gpu === false) {
    return await ensureFits({
      ...asked,
      place: 'memory',
      free: freeMemory({
        limit: memoryLimit(process.constrainedMemory(), totalmem()),
        available: freemem(),
        status: ownStatus(),
      }),
      weights: memory.weightsBytes ?? sizeBytes,
      context: (tokens) => contextBytes(memory, tokens, parallel),
    });
  }
  const insights = await GgufInsights.from(await readGgufFileInfo(modelPath), llama);
  const gpuLayers = insights.totalLayers;
  const weights = await insights.estimateModelResourceRequirementsV2({ gpuLayers });
  const context = (tokens: number) =>
    insights.estimateContextResourceRequirementsV2({
      contextSize: tokens,
      sequences: parallel,
      modelGpuLayers: gpuLayers,
    });
  await ensureFits({
    ...asked,
    place: 'GPU memory',
    free: (await llama.getVramState()).free,
    weights: weights.gpuVram,
    context: async (tokens) => (await context(tokens)).gpuVram,
  });
}

/** Only Linux tells it so. */
function ownStatus(): string | undefined {
  try {
    return readFileSync('/proc/self/status', 'utf8');
  } catch {
    return undefined;
  }
}
