import type { Model } from '../../api/model.ts';
import { models } from '../../controllers/kinds.ts';
import { formatBytes, shortRevision } from '../../controllers/text.ts';
import type { Live } from '../../kube/kind.ts';
import type { Door, NewModel } from '../door.ts';
import { CliError, exitCodes } from '../failure.ts';
import { isObjectName } from '../lookup.ts';
import { modelFor, type ModelWishes } from '../new-model.ts';
import { nameOf, printOne, type Output } from '../output.ts';
import { differenceOf } from '../same.ts';
import type { Terminal } from '../terminal.ts';
import { untilPulled } from '../watching.ts';

export interface PullOptions extends ModelWishes {
  wait: boolean;
  output?: Output;
}

/**
 * Has the Model there as it is asked for. One that is there already is never changed: it may be kept by somebody else, such
 * as Argo CD, and what this time is not asked for may matter.
 */
export async function haveModel(door: Door, model: NewModel): Promise<void> {
  const there = await door.makeModel(model);
  if (there) refuseChange(models.kind, model.metadata.name, model.spec, there.spec);
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

export async function pull(door: Door, terminal: Terminal, asked: string, options: PullOptions) {
  const name = (await isThere(door, asked, options)) ? asked : await begin(door, asked, options);
  if (!options.wait) {
    terminal.out.write(`${nameOf(models, name)} is being pulled.\n`);
    return;
  }
  const comeback = { again: `${door.self} pull ${name}`, stop: `${door.self} rm ${name}` };
  const model = await untilPulled(door, terminal, name, comeback);
  printOne(terminal, options.output, models, model, summaryOf(model));
}

/** Whether what was typed is the name of a Model, and nothing else was asked for: then it is shown how far that is. */
async function isThere(door: Door, asked: string, options: PullOptions): Promise<boolean> {
  const { wait: _wait, output: _output, ...wishes } = options;
  if (Object.keys(wishes).length > 0 || !isObjectName(asked)) return false;
  return (await door.find(models, asked)) !== undefined;
}

async function begin(door: Door, asked: string, options: PullOptions): Promise<string> {
  const wanted = modelFor(asked, options);
  await haveModel(door, wanted);
  return wanted.metadata.name;
}
