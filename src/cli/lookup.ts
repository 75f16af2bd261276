import type { NamedSource } from '../api/choices.ts';
import type { Model } from '../api/model.ts';
import { models } from '../controllers/kinds.ts';
import type { Live } from '../kube/kind.ts';
import { objectNameFor, sourceByName, type SourceByName } from '../sources/model-name.ts';
import type { Door } from './door.ts';
import { CliError, exitCodes } from './failure.ts';
import { differenceOf } from './same.ts';

/** Whether a Model or a ModelServer may have this name. */
export function isObjectName(text: string): boolean {
  return /^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(text);
}

/**
 * The Model that a person means: one of this very name, or the one that `pull` makes for such a model. Another one that
 * only has that name, of another owner's repository, is not meant.
 */
export async function findModel(
  door: Door,
  asked: string,
  source?: NamedSource,
): Promise<Live<Model> | undefined> {
  const there = isObjectName(asked) ? await door.find(models, asked) : undefined;
  if (there) return there;
  const wanted = meant(asked, source);
  const found = wanted && (await door.find(models, objectNameFor(wanted)));
  return found && differenceOf(wanted, found.spec.source) === undefined ? found : undefined;
}

function meant(asked: string, source: NamedSource | undefined): SourceByName | undefined {
  try {
    return sourceByName(asked, source);
  } catch {
    return undefined;
  }
}

/** The same, where there has to be one. */
export async function needModel(door: Door, asked: string): Promise<Live<Model>> {
  const found = await findModel(door, asked);
  if (found) return found;
  const names = (await door.list(models)).map(({ metadata }) => metadata.name);
  throw new CliError(
    exitCodes.notFound,
    `There is no Model "${asked}" in namespace ${door.namespace}.`,
    names.length > 0
      ? `There are: ${firstOf(names)}.`
      : `There are none: pull one with \`${door.self} pull NAME\`, or look into another namespace with --namespace.`,
  );
}

const most = 20;

/** As many as a person reads. */
function firstOf(names: readonly string[]): string {
  const rest = names.length - most;
  return names.slice(0, most).join(', ') + (rest > 0 ? `, and ${rest} more` : '');
}
