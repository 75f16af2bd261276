import type { SamplingFields } from '../../protocols/openai/sampling.ts';
import { samplingDefaults } from '../../protocols/openai/sampling.ts';
import type { GenerationDefaults, Sampling } from '../engine.ts';

/** What a request says about choosing tokens, then what the model brings, then what OpenAI takes. */
export function samplingOf(body: SamplingFields, ofModel: GenerationDefaults): Sampling {
  const { maxTokens: _, ...given } = ofModel;
  const defaults = { ...samplingDefaults, presencePenalty: 0, frequencyPenalty: 0, ...given };
  return {
    ...defaults,
    temperature: body.temperature ?? defaults.temperature,
    topP: body.top_p ?? defaults.topP,
    topK: Math.max(0, body.top_k ?? defaults.topK),
    minP: body.min_p ?? defaults.minP,
    presencePenalty: body.presence_penalty ?? defaults.presencePenalty,
    frequencyPenalty: body.frequency_penalty ?? defaults.frequencyPenalty,
    ...(typeof body.seed === 'number' && { seed: body.seed }),
    ...(body.logit_bias && { logitBias: biasOf(body.logit_bias) }),
  };
}

const biasOf = (bias: Readonly<Record<string, number>>) =>
  new Map(Object.entries(bias).map(([token, value]) => [Number(token), value]));
