import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Samplers that may wait to be freed: 100 MB with a vocabulary of 262,144 tokens. */
const most = 32;

/**
 * node-llama-cpp 3.22 has a sampler for every answer, and with drafts for every step of one, with 12 bytes for each token
 * of the vocabulary. It frees them when the collector finds the sampler. V8 knows nothing of these bytes: left to itself
 * it lets them grow to gigabytes.
 * @param collect frees what nobody holds any more
 * @returns what to call for each sampler
 */
export function samplerGarbage(collect: () => void = collector()): () => void {
  let samplers = 0;
  return () => {
    samplers++;
    if (samplers < most) return;
    samplers = 0;
    collect();
  };
}

/** Node has its collector only behind a flag, which may be set later, too: https://nodejs.org/api/v8.html */
function collector(): () => void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as NonNullable<typeof globalThis.gc>;
  // In a task of its own, not within a request.
  return () => void collect({ type: 'major', execution: 'async' });
}
