/** What the hub holds in the demo and in the e2e tests. */
import { notGguf, tinyGguf } from './gguf.ts';
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
  const gemma: Content =
    options.gemma === undefined
      ? tinyGguf({ architecture: 'gemma3', name: 'gemma-3-270m', contextLength: 32_768, blockCount: 18 })
      : { file: options.gemma };
  return [
    {
      id: standard.gemma.repo,
      files: {
        '.gitattributes': '*.gguf filter=lfs diff=lfs merge=lfs -text\n',
        'README.md': readme('gemma', 'Gemma 3 270M', 'google/gemma-3-270m'),
        'config.json': json({ architectures: ['Gemma3ForCausalLM'], model_type: 'gemma3_text' }),
        [standard.gemma.file]: gemma,
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
        'README.md': readme('apache-2.0', 'One model, two quantizations'),
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
