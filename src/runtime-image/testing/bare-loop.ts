/**
 * node-llama-cpp without a server, as a process that a parent asks: what the engine does at best. It keeps its tokens, as
 * the runtime does, and writes no text out before the end.
 */
import type { LlamaContextSequence, SequenceEvaluateOptions } from 'node-llama-cpp';
import { getLlama } from 'node-llama-cpp';
import { z } from 'zod';

const Start = z.object({
  modelPath: z.string(),
  contextSize: z.int(),
  parallel: z.int(),
  threads: z.int(),
  gpu: z.boolean(),
});
const Ask = z.object({ prompt: z.string(), most: z.int(), drawn: z.boolean().optional() });

const { modelPath, contextSize, parallel, threads, gpu } = Start.parse(JSON.parse(process.argv[2] ?? ''));
const llama = await getLlama({
  build: 'never',
  gpu: gpu ? 'auto' : false,
  maxThreads: threads,
  logger: () => undefined,
});
const model = await llama.loadModel({ modelPath, ...(gpu && { gpuLayers: 'max' }) });
const context = await model.createContext({ sequences: parallel, contextSize, threads });
const sequences = Array.from({ length: parallel }, () => context.getSequence());
process.send?.('ready');

process.on('message', (message) => {
  const asks = z.array(Ask).safeParse(message);
  if (!asks.success) return;
  const answers = asks.data.map((ask, index) => answer(sequences[index], ask));
  void Promise.all(answers).then((told) => process.send?.({ told }));
});

// null leaves the step out; left to itself it takes 40, and with 0 it sorts the whole vocabulary.
const drawn = { temperature: 1, topP: 1, topK: null, minP: 0 } as unknown as SequenceEvaluateOptions;
const likeliest: SequenceEvaluateOptions = { temperature: 0 };

async function answer(sequence: LlamaContextSequence | undefined, ask: z.infer<typeof Ask>) {
  if (!sequence) throw new Error('more asks than sequences');
  const askedAt = performance.now();
  const prompt = [...(model.tokens.bos === null ? [] : [model.tokens.bos]), ...model.tokenize(ask.prompt)];
  await sequence.adaptStateToTokens(prompt.slice(0, -1), false);
  const cachedTokens = sequence.nextTokenIndex;
  const tokens = [];
  let firstAt = askedAt;
  for await (const token of sequence.evaluate(prompt.slice(cachedTokens), ask.drawn ? drawn : likeliest)) {
    if (tokens.push(token) === 1) firstAt = performance.now();
    if (tokens.length === ask.most) break;
  }
  const lastAt = performance.now();
  const text = model.detokenize(tokens);
  return { text, askedAt, firstAt, lastAt, tokens: tokens.length, promptTokens: prompt.length, cachedTokens };
}
