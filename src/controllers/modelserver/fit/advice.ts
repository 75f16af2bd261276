import { contextSizes, memoryInWords, smallestContext } from '../../../gguf/fit.ts';
import type { Need } from './need.ts';

/**
 * What would fit into so many bytes, in words: other settings of the same model first, then smaller weights.
 * @param more a setting that gives more room
 */
export function wouldFit(need: Need, bytes: number, more?: string): string {
  const { weights, own, context, contextSize, trained, smallerTypes, undrafted } = need;
  const smaller = contextSizes.find(
    (tokens) => tokens < contextSize && tokens <= trained && weights + context(tokens) <= bytes,
  );
  const type = smallerTypes.find((each) => weights + context(contextSize, each) <= bytes);
  const isWithoutDraft = undrafted && undrafted.weights + undrafted.context(contextSize) <= bytes;
  const settings = [
    ...(more === undefined ? [] : [more]),
    ...(type === undefined ? [] : [`spec.runtime.kvCacheType: ${type}`]),
    ...(smaller === undefined ? [] : [`spec.runtime.contextSize: ${smaller}`]),
    ...(isWithoutDraft ? ['no spec.runtime.draftModelRef'] : []),
  ];
  // Of a smaller quantization of the same model: keys and values stay as large.
  const left = bytes - context(Math.min(contextSize, smallestContext)) - (weights - own);
  const quantization =
    left > 0 ? `a quantization with weights of at most ${memoryInWords(left)}` : 'a smaller model';
  return settings.length > 0
    ? `What would fit: ${settings.join(', or ')}${smaller === undefined ? `, or ${quantization}` : ''}.`
    : `What would fit: ${quantization}.`;
}
