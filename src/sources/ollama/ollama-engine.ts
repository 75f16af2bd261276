import type { GgufHeader } from '../../gguf/header.ts';

/**
 * Architectures that only Ollama's own engine has, or that llama.cpp has under another name and with other keys
 * (ollama, `llama/compat/README.md`); the llama.cpp in node-llama-cpp 3.22 knows none of these names.
 */
const ollamasArchitectures = new Set([
  'deepseekocr',
  'glm4moelite',
  'glmocr',
  'gptoss',
  'mllama',
  'nemotron_h_omni',
  'olmo3',
  'qwen25vl',
]);

/**
 * Names of tensors that Ollama's engine keeps in the file of the language model: an encoder of images or sound, its
 * projector, a draft of the next tokens. llama.cpp refuses a model with tensors it does not ask for.
 */
const foreignTensors = /^(v|a|mm|mtp|model\.vision_tower|dense\.[01])\./;

/**
 * What makes a model of an Ollama registry one for Ollama's own engine, which translates such files while it loads them,
 * so that llama.cpp itself is sure to refuse it; undefined where nothing does.
 */
export function madeForOllamasEngine({ facts, tensors }: GgufHeader): string | undefined {
  const { architecture = '' } = facts;
  if (ollamasArchitectures.has(architecture)) return `its architecture is called ${architecture}`;
  const foreign = tensors.filter((name) => foreignTensors.test(name));
  if (foreign.length === 0) return undefined;
  return `${foreign.length} of its ${tensors.length} tensors, such as ${foreign[0]}, belong to no language model`;
}
