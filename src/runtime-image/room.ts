import { readFileSync } from 'node:fs';
import { freemem, totalmem } from 'node:os';
import type { GgufInsightsResourceRequirements, Llama } from 'node-llama-cpp';
import { GgufInsights, readGgufFileInfo } from 'node-llama-cpp';
import { contextsBytes, weightsBytes, type Load } from '../gguf/fit.ts';
import type { RuntimeSettings } from '../protocols/runtime.ts';
import { cacheOptions } from './cache-options.ts';
import { memoryLimit } from './context-size.ts';
import type { Fit } from './fit.ts';
import { DoesNotFit, ensureFits, freeMemory } from './fit.ts';
import type { ModelFile } from './model-file.ts';

/** What is loaded, by the headers of its files. */
export interface Files {
  model: ModelFile;
  /** Bytes of the adapters that requests choose between, and of those that always count. */
  adaptersBytes: number;
  draft?: ModelFile | undefined;
}

/** Each adapter has a context of its own, with as many sequences as the model itself. */
export const contextsOf = ({ adapters = [] }: RuntimeSettings): number => 1 + adapters.length;

/**
 * Before anything is loaded: what does not fit would be killed, again and again. On GPUs llama.cpp allocates what it
 * reserves, and so its own estimate holds; of main memory, only what is certainly used is counted.
 * @throws DoesNotFit
 */
export async function ensureRoom(llama: Llama, settings: RuntimeSettings, files: Files): Promise<void> {
  if (llama.gpu === false) await ensureFits(fitInMemory(settings, files));
  else await ensureFitsOnGpu(settings, files, await estimatesOf(llama, settings, files));
}

function asked(settings: RuntimeSettings, { model: { facts } }: Files) {
  const { contextSize, parallel } = settings;
  return {
    contextSize,
    parallel: parallel * contextsOf(settings),
    trained: facts.contextLength ?? Infinity,
  };
}

/** As the operator foresees it too (controllers/modelserver/fit). */
function loadOf(settings: RuntimeSettings, { model, adaptersBytes, draft }: Files): Load {
  const { kvCacheType: type, swaFullCache, parallel, adapters = [] } = settings;
  const loaded = ({ memory, sizeBytes, facts }: ModelFile) => ({
    memory,
    sizeBytes,
    trained: facts.contextLength,
  });
  return {
    model: loaded(model),
    adapters: adapters.length,
    adaptersBytes,
    draft: draft && loaded(draft),
    parallel,
    cache: { type, swaFullCache },
  };
}

function fitInMemory(settings: RuntimeSettings, files: Files): Fit {
  const load = loadOf(settings, files);
  return {
    ...asked(settings, files),
    place: 'memory',
    free: freeMemory({
      limit: memoryLimit(process.constrainedMemory(), totalmem()),
      available: freemem(),
      status: ownStatus(),
    }),
    weights: weightsBytes(load),
    context: (tokens) => contextsBytes(load, tokens),
  };
}

/** What llama.cpp would allocate with so many layers on GPUs. */
export interface Estimates {
  free: number;
  /** Layers of the model. */
  layers: number;
  weights: (gpuLayers: number) => Promise<GgufInsightsResourceRequirements>;
  /** Of all contexts together. */
  contexts: (gpuLayers: number, tokens: number) => Promise<GgufInsightsResourceRequirements>;
}

async function estimatesOf(
  llama: Llama,
  settings: RuntimeSettings,
  { adaptersBytes }: Files,
): Promise<Estimates> {
  const insightsOf = async (path: string) => await GgufInsights.from(await readGgufFileInfo(path), llama);
  const insights = await insightsOf(settings.modelPath);
  const { draftModelPath, parallel: sequences } = settings;
  const draft = draftModelPath === undefined ? undefined : await insightsOf(draftModelPath);
  const modelGpuLayers = draft?.totalLayers ?? 0;
  return {
    free: (await llama.getVramState()).free,
    layers: insights.totalLayers,
    async weights(gpuLayers) {
      const own = await insights.estimateModelResourceRequirementsV2({ gpuLayers });
      const drafts = await draft?.estimateModelResourceRequirementsV2({ gpuLayers: modelGpuLayers });
      return summed(own, drafts, { cpuRam: 0, gpuVram: adaptersBytes });
    },
    async contexts(gpuLayers, contextSize) {
      const { forEstimate } = cacheOptions(settings);
      const own = await insights.estimateContextResourceRequirementsV2({
        contextSize,
        sequences,
        modelGpuLayers: gpuLayers,
        ...forEstimate,
      });
      const drafts = await draft?.estimateContextResourceRequirementsV2({
        contextSize,
        sequences,
        modelGpuLayers,
      });
      return summed(...Array.from({ length: contextsOf(settings) }, () => own), drafts);
    },
  };
}

/**
 * Without a word on layers all of them have to fit: a server that is many times slower than it looks is no help. Which
 * number would fit is said.
 * @throws DoesNotFit
 */
export async function ensureFitsOnGpu(
  settings: RuntimeSettings,
  files: Files,
  { free, layers, weights, contexts }: Estimates,
): Promise<void> {
  const gpuLayers = settings.gpuLayers ?? layers;
  const fitWith = async (chosen: number): Promise<Fit> => ({
    ...asked(settings, files),
    place: 'GPU memory',
    free,
    weights: (await weights(chosen)).gpuVram,
    context: async (tokens) => (await contexts(chosen, tokens)).gpuVram,
  });
  try {
    await ensureFits(await fitWith(gpuLayers));
  } catch (error) {
    if (!(error instanceof DoesNotFit)) throw error;
    const fewer = await mostLayers(gpuLayers, async (chosen) => fits(await fitWith(chosen)));
    if (fewer === 0) throw error;
    throw new DoesNotFit(
      'GPU memory',
      `${error.message}; with spec.runtime.gpuLayers: ${fewer} it would, and the CPU computes the others`,
    );
  }
}

async function fits(fit: Fit): Promise<boolean> {
  return await ensureFits(fit).then(
    () => true,
    () => false,
  );
}

/** The largest number below `all` that fits, by halves: more layers never take less. */
async function mostLayers(all: number, fit: (layers: number) => Promise<boolean>): Promise<number> {
  let [most, tooMany] = [0, all];
  while (tooMany - most > 1) {
    const middle = Math.floor((most + tooMany) / 2);
    if (await fit(middle)) most = middle;
    else tooMany = middle;
  }
  return most;
}

function summed(...all: (GgufInsightsResourceRequirements | undefined)[]): GgufInsightsResourceRequirements {
  const sum = { cpuRam: 0, gpuVram: 0 };
  for (const one of all) {
    sum.cpuRam += one?.cpuRam ?? 0;
    sum.gpuVram += one?.gpuVram ?? 0;
  }
  return sum;
}

/** Only Linux tells it so. */
function ownStatus(): string | undefined {
  try {
    return readFileSync('/proc/self/status', 'utf8');
  } catch {
    return undefined;
  }
}
