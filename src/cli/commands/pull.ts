import type { z } from 'zod';
import type { NamedSource } from '../../api/choices.ts';
import type { Model, ModelSpec } from '../../api/model.ts';
import { models } from '../../controllers/kinds.ts';
import { formatBytes, shortRevision } from '../../controllers/text.ts';
import { isConflict, isNotFound } from '../../kube/errors.ts';
import type { Kind, KubeObject, Live } from '../../kube/kind.ts';
import { ModelNameError, objectNameFor, sourceByName, type SourceByName } from '../../sources/model-name.ts';
import type { Connection } from '../connection.ts';
import { CliError, exitCodes, refusedBy } from '../failure.ts';
import { isObjectName } from '../lookup.ts';
import { nameOf, printOne, type Output } from '../output.ts';
import { differenceOf } from '../same.ts';
import type { Terminal } from '../terminal.ts';
import { untilPulled } from '../watching.ts';

export interface PullOptions {
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
  wait: boolean;
  output?: Output;
}

type SpecAsWritten = z.input<typeof ModelSpec>;
interface ModelAsWritten extends KubeObject {
  spec: SpecAsWritten;
}
const modelsAsWritten: Kind<ModelAsWritten> = { ...models, schema: undefined };

/** The Model that a name and options ask for. Throws CliError on what cannot be one. */
export function modelFor(
  name: string,
  options: Omit<PullOptions, 'wait' | 'output'>,
): { name: string; spec: SpecAsWritten } {
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
  const asked: SpecAsWritten['source'] =
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
  return {
    name: options.name ?? objectNameFor(withQuantization(source, quantization)),
    spec: {
      source: asked,
      ...(tokenSecret !== undefined && { credentials: { secretName: tokenSecret } }),
      ...(Object.keys(storage).length > 0 && { storage }),
    },
  };
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

/**
 * Has the Model there as it is asked for. One that is there already is never changed: it may be kept by somebody else, such
 * as Argo CD, and what this time is not asked for may matter.
 */
export async function haveModel(
  { client, namespace }: Connection,
  { name, spec }: { name: string; spec: SpecAsWritten },
): Promise<void> {
  try {
    await client.create(modelsAsWritten, { metadata: { namespace, name }, spec });
  } catch (error) {
    if (!isConflict(error)) throw refusedBy(error, `pull ${name}`);
    const there = await client.get(models, { namespace, name });
    refuseChange(models.kind, name, spec, there.spec);
  }
}

/** Throws CliError when what is asked for is not what is there. */
export function refuseChange(kind: string, name: string, asked: object, there: object): void {
  const field = differenceOf(asked, there);
  if (field === undefined) return;
  throw new CliError(
    exitCodes.failed,
    `${kind} ${name} is there already, with another spec.${field}.`,
    `Change it with \`kubectl edit ${kind.toLowerCase()} ${name}\`, or where it is kept; or choose another name with --name.`,
  );
}

/** What is told of a Model that is there. */
export function summaryOf({ metadata, status }: Live<Model>): string {
  const { artifact, gguf } = status ?? {};
  const facts = [
    artifact && formatBytes(artifact.sizeBytes),
    gguf?.parameters,
    gguf?.quantization,
    artifact && `revision ${shortRevision(artifact.revision)}`,
  ].filter((fact) => fact !== undefined);
  return `Model ${metadata.name} is ready: ${facts.join(', ')}.`;
}

export async function pull(connection: Connection, terminal: Terminal, asked: string, options: PullOptions) {
  const name = (await isThere(connection, asked, options)) ? asked : await begin(connection, asked, options);
  if (!options.wait) {
    terminal.out.write(`${nameOf(models, name)} is being pulled.\n`);
    return;
  }
  const comeback = { again: `longshore pull ${name}`, stop: `longshore rm ${name}` };
  const model = await untilPulled(connection, terminal, name, comeback);
  printOne(terminal, options.output, models, model, summaryOf(model));
}

/** Whether what was typed is the name of a Model, and nothing else was asked for: then it is shown how far that is. */
async function isThere(
  { client, namespace }: Connection,
  asked: string,
  options: PullOptions,
): Promise<boolean> {
  const { wait: _wait, output: _output, ...wishes } = options;
  if (Object.keys(wishes).length > 0 || !isObjectName(asked)) return false;
  try {
    await client.get(models, { namespace, name: asked });
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw refusedBy(error, `pull ${asked}`);
  }
}

async function begin(connection: Connection, asked: string, options: PullOptions): Promise<string> {
  const wanted = modelFor(asked, options);
  await haveModel(connection, wanted);
  return wanted.name;
}
