/** What the hub and the Ollama registry hold in the demo and in the e2e tests. */
import { notGguf, tinyGguf } from './gguf.ts';
import type { OllamaModel } from './registry/push.ts';
import type { Content, Repo } from './repo.ts';

/** A made-up token: valid on the test hub only, and admitted to the gated repository. */
export const testToken = 'hf_longshore_test_token_0123456789';
/** Valid too, but nobody let it into anything. */
export const strangerToken = 'hf_longshore_test_stranger_0123456789';

/** The names of the standard repositories, and of the file each is about. */
export const standard = {
  gemma: { repo: 'longshore/gemma-3-270m-gguf', file: 'gemma-3-270m-Q4_K_M.gguf' },
  gated: { repo: 'longshore/gated-gguf', file: 'gated-Q4_K_M.gguf' },
  twoQuants: {
    repo: 'longshore/two-quants-gguf',
    file: 'two-quants-Q4_K_M.gguf',
    other: 'two-quants-Q8_0.gguf',
  },
  notGguf: { repo: 'longshore/not-gguf', file: 'not-really-Q4_K_M.gguf' },
  safetensors: { repo: 'longshore/safetensors-only', file: 'model.safetensors' },
} as const;

/** @param options.gemma path of the real model; without it a tiny stand-in has its name. */
export function standardRepos(options: { gemma?: string } = {}): Repo[] {
  return [
    {
      id: standard.gemma.repo,
      files: {
        '.gitattributes': '*.gguf filter=lfs diff=lfs merge=lfs -text\n',
        'README.md': readme('gemma', 'Gemma 3 270M', 'google/gemma-3-270m'),
        'config.json': json({ architectures: ['Gemma3ForCausalLM'], model_type: 'gemma3_text' }),
        [standard.gemma.file]: gemmaContent(options),
      },
      gitTags: ['v1.0'],
      downloads: 1234,
      likes: 56,
    },
    {
      id: standard.gated.repo,
      gated: 'manual',
      access: [testToken],
      files: {
        'README.md': readme('other', 'A model behind a gate'),
        [standard.gated.file]: tinyGguf({ name: 'gated', seed: 3 }),
      },
    },
    {
      id: standard.twoQuants.repo,
      files: {
        'README.md': readme('apache-2.0', 'One model, two quantizations', standard.safetensors.repo),
        [standard.twoQuants.file]: tinyGguf({ name: 'two-quants', quantization: 'Q4_K_M', seed: 4 }),
        [standard.twoQuants.other]: tinyGguf({ name: 'two-quants', quantization: 'Q8_0', seed: 5 }),
      },
    },
    {
      id: standard.notGguf.repo,
      files: {
        'README.md': readme('mit', 'A file that is not what its name says'),
        [standard.notGguf.file]: notGguf(64 * 1024),
      },
    },
    {
      id: standard.safetensors.repo,
      files: {
        'README.md': readme('mit', 'Weights in another format'),
        'config.json': json({ architectures: ['LlamaForCausalLM'], model_type: 'llama' }),
        [standard.safetensors.file]: safetensors(),
      },
    },
  ];
}

/** The names of the standard models of the Ollama registry. */
export const standardOllama = {
  gemma: { model: 'longshore/gemma', tag: '270m', other: '270m-warm' },
  tensors: { model: 'longshore/tensors', tag: 'latest' },
  newer: { model: 'longshore/newer', tag: 'latest' },
  cloud: { model: 'longshore/cloud', tag: 'latest' },
} as const;

/** @param options.gemma as for standardRepos: the weights are those of the repository. */
export function standardModels(options: { gemma?: string } = {}): OllamaModel[] {
  const { gemma, tensors, newer, cloud } = standardOllama;
  const text: OllamaModel['layers'] = [
    { kind: 'template', content: 'Q: {{ .Prompt }}\nA:' },
    { kind: 'system', content: 'You answer in one sentence.' },
    { kind: 'license', content: 'Gemma is provided under and subject to the Gemma Terms of Use.\n' },
  ];
  const weights = { kind: 'model', content: gemmaContent(options) };
  const config = { model_family: 'gemma3', model_families: ['gemma3'], model_type: '268.10M' };
  const params = (given: object) => ({ kind: 'params', content: JSON.stringify(given) });
  return [
    {
      name: gemma.model,
      tags: [gemma.tag, 'latest'],
      layers: [weights, ...text, params({ stop: ['\nQ:'], temperature: 0, num_ctx: 1024 })],
      config,
    },
    {
      name: gemma.model,
      tags: [gemma.other],
      layers: [weights, ...text, params({ stop: ['\nQ:', '\n\n'], temperature: 0.8, num_ctx: 512 })],
      config,
    },
    {
      name: tensors.model,
      tags: [tensors.tag],
      layers: [
        { kind: 'tensor', name: 'model.embed_tokens.weight', content: safetensors() },
        { kind: 'json', name: 'config.json', content: json({ architectures: ['LlamaForCausalLM'] }) },
      ],
      config: { model_format: 'safetensors', file_type: 'F32' },
    },
    {
      name: newer.model,
      tags: [newer.tag],
      requiresNewer: true,
      layers: [{ kind: 'model', content: tinyGguf({ name: 'newer', seed: 6 }) }],
    },
    {
      name: cloud.model,
      tags: [cloud.tag],
      layers: [],
      config: { model_format: '', remote_host: 'https://ollama.com:443', remote_model: 'gpt-oss:120b' },
    },
  ];
}

function gemmaContent({ gemma }: { gemma?: string }): Content {
  if (gemma !== undefined) return { file: gemma };
  return tinyGguf({ architecture: 'gemma3', name: 'gemma-3-270m', contextLength: 32_768, blockCount: 18 });
}

function readme(license: string, title: string, baseModel?: string): string {
  const base = baseModel === undefined ? '' : `base_model: ${baseModel}\n`;
  return `---\nlicense: ${license}\n${base}pipeline_tag: text-generation\n---\n# ${title}\n`;
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** https://huggingface.co/docs/safetensors: the header's length, the header, the data. */
function safetensors(): Buffer {
  const header = JSON.stringify({ weight: { dtype: 'F32', shape: [64], data_offsets: [0, 256] } });
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, Buffer.from(header), Buffer.alloc(256)]);
}
