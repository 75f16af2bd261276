/** Has two contexts of a model count at the same time, and tells which threads there are meanwhile. */
import { readdirSync, readFileSync } from 'node:fs';
import { getLlama, type LlamaContext } from 'node-llama-cpp';

/** What it prints, as JSON. Threads are names by the kernel's numbers. */
export interface Counted {
  texts: string[];
  /** After the first computation. */
  before: Record<string, string>;
  /** Any that was seen from then to the end. */
  seen: Record<string, string>;
  /** Names of ggml's libraries that are loaded. */
  libraries: string[];
}

const [modelPath = ''] = process.argv.slice(2);
// Several for each context, also while both compute.
const llama = await getLlama({ build: 'never', gpu: false, maxThreads: 4, logger: () => undefined });
const model = await llama.loadModel({ modelPath });
const make = () => model.createContext({ contextSize: 256, threads: 2 });
const [one, other] = [await make(), await make()];
await count(one);
const before = threads();
const seen = { ...before };
const looking = setInterval(() => Object.assign(seen, threads()), 1);
const texts = await Promise.all([count(one), count(other)]);
clearInterval(looking);
const maps = readFileSync('/proc/self/maps', 'utf8');
const libraries = [...new Set(maps.match(/libggml[\w.-]*\.so/g))];
console.log(JSON.stringify({ texts, before, seen, libraries } satisfies Counted));
process.exit();

async function count(context: LlamaContext): Promise<string> {
  const sequence = context.getSequence();
  const tokens = [];
  const prompt = model.tokenize('1, 2, 3, 4,');
  for await (const token of sequence.evaluate(prompt, { temperature: 0 })) {
    if (tokens.push(token) === 9) break;
  }
  await sequence.dispose();
  return model.detokenize(tokens);
}

function threads(): Record<string, string> {
  const found: Record<string, string> = {};
  for (const id of readdirSync('/proc/self/task')) {
    try {
      found[id] = readFileSync(`/proc/self/task/${id}/comm`, 'utf8').trim();
    } catch {
      found[id] = 'gone';
    }
  }
  return found;
}
