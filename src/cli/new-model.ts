import type { NamedSource } from '../api/choices.ts';
import { ModelSpec } from '../api/model.ts';
import {
  longestName,
  ModelNameError,
  objectNameFor,
  sourceByName,
  type SourceByName,
} from '../sources/model-name.ts';
import type { NewModel } from './door.ts';
import { CliError, exitCodes } from './failure.ts';
import { isObjectName } from './lookup.ts';

/** What may be said of a Model that is to be pulled, beside its name. */
export interface ModelWishes {
  source?: NamedSource | undefined;
  name?: string | undefined;
  revision?: string | undefined;
  quantization?: string | undefined;
  bits?: string | undefined;
  file?: string[] | undefined;
  endpoint?: string | undefined;
  tokenSecret?: string | undefined;
  storageClass?: string | undefined;
  size?: string | undefined;
}

/** The Model that a name and options ask for. Throws CliError on what cannot be one. */
export function modelFor(name: string, options: ModelWishes): NewModel {
  const source = named(name, options.source);
  const { revision, quantization, bits, file, endpoint, tokenSecret, storageClass, size } = options;
  const ofHub = { revision, quantization, bits, file };
  if ('ollama' in source) {
    const [unfit] = Object.entries(ofHub).find(([, value]) => value !== undefined) ?? [];
    if (unfit !== undefined) {
      throw new CliError(
        exitCodes.usage,
        `--${unfit} is for models of Hugging Face, and "${name}" is one of an Ollama registry.`,
        'There the tag says it, as in llama3.1:8b-instruct-q4_K_M.',
      );
    }
  }
  const asked: NewModel['spec']['source'] =
    'ollama' in source
      ? { ollama: { ...source.ollama, ...(endpoint !== undefined && { endpoint }) } }
      : {
          huggingFace: {
            ...source.huggingFace,
            ...(revision !== undefined && { revision }),
            ...(quantization !== undefined && { quantization }),
            ...(bits !== undefined && { bits: Number(bits) as never }),
            ...(file !== undefined && { files: file }),
            ...(endpoint !== undefined && { endpoint }),
          },
        };
  const storage = {
    ...(storageClass !== undefined && { storageClassName: storageClass }),
    ...(size !== undefined && { size }),
  };
  const model: NewModel = {
    metadata: { name: options.name ?? objectNameFor(withQuantization(source, quantization)) },
    spec: {
      source: asked,
      ...(tokenSecret !== undefined && { credentials: { secretName: tokenSecret } }),
      ...(Object.keys(storage).length > 0 && { storage }),
    },
  };
  check(model);
  return model;
}

/** What each field of a Model is called here, and how it is written. */
const fields: Record<string, readonly [label: string, form: string]> = {
  repo: ['repository', 'owner/name'],
  model: ["name on Ollama's registry", 'llama3.1:8b'],
  revision: ['--revision', 'a branch, a tag or a commit'],
  quantization: ['quantization', 'letters, digits and _, as in Q4_K_M'],
  files: ['--file', 'a path in the repository, or a pattern with * and ?'],
  endpoint: ['--endpoint', 'https://hub.example.com'],
  secretName: ['--token-secret', 'the name of a Secret'],
  storageClassName: ['--storage-class', 'the name of a StorageClass'],
  size: ['--size', '20Gi'],
};

/** Throws CliError on what the API server would not take: nothing has to be asked for that. */
function check({ metadata: { name }, spec }: NewModel): void {
  if (!isObjectName(name) || name.length > longestName) {
    throw new CliError(
      exitCodes.usage,
      `"${name}" cannot be the name of a Model.`,
      `A name is of lower-case letters, digits and dashes, ${longestName} at most, with a letter first.`,
    );
  }
  const { quantization, bits, files } = spec.source.huggingFace ?? {};
  if ([quantization, bits, files].filter((each) => each !== undefined).length > 1) {
    throw new CliError(
      exitCodes.usage,
      'A quantization, --bits and --file each choose the files.',
      'Give one of them; a quantization stands behind the name, too, as in owner/name:Q4_K_M.',
    );
  }
  const [issue] = ModelSpec.safeParse(spec).error?.issues ?? [];
  if (!issue) return;
  const field = issue.path.findLast((step) => typeof step === 'string') ?? '';
  const [label, form] = fields[field] ?? [field, issue.message];
  const value: unknown = issue.path.reduce<unknown>(
    (inside, step) => (inside as Record<PropertyKey, unknown>)[step],
    spec,
  );
  throw new CliError(exitCodes.usage, `"${String(value)}" cannot be the ${label}.`, `Write it as ${form}.`);
}

function withQuantization(source: SourceByName, quantization: string | undefined): SourceByName {
  if ('ollama' in source || quantization === undefined) return source;
  return { huggingFace: { ...source.huggingFace, quantization } };
}

function named(name: string, source: NamedSource | undefined): SourceByName {
  try {
    return sourceByName(name, source);
  } catch (error) {
    if (!(error instanceof ModelNameError)) throw error;
    throw new CliError(
      exitCodes.usage,
      `${error.message}.`,
      source === undefined ? 'Say which with --source huggingface or --source ollama.' : undefined,
    );
  }
}
