import type { NamedSource } from '../api/choices.ts';
import type { Model } from '../api/model.ts';
import { models } from '../controllers/kinds.ts';
import type { Live } from '../kube/kind.ts';
import { objectNameFor, sourceByName, type SourceByName } from '../sources/model-name.ts';
import type { Connection } from './connection.ts';
import { CliError, exitCodes, refusedBy } from './failure.ts';
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
  connection: Connection,
  asked: string,
  source?: NamedSource,
): Promise<Live<Model> | undefined> {
  const there = isObjectName(asked) ? await get(connection, asked) : undefined;
  if (there) return there;
  const wanted = meant(asked, source);
  const found = wanted && (await get(connection, objectNameFor(wanted)));
  return found && differenceOf(wanted, found.spec.source) === undefined ? found : undefined;
}

function meant(asked: string, source: NamedSource | undefined): SourceByName | undefined {
  try {
    return sourceByName(asked, source);
  } catch {
    return undefined;
  }
}

async function get({ client, namespace }: Connection, name: string): Promise<Live<Model> | undefined> {
  try {
    return await client.get(models, { namespace, name });
  } catch (error) {
    const refusal = refusedBy(error, `look up model ${name}`);
    if (refusal.exitCode !== exitCodes.notFound) throw refusal;
    return undefined;
  }
}

/** The same, where there has to be one. */
export async function needModel(connection: Connection, asked: string): Promise<Live<Model>> {
  const found = await findModel(connection, asked);
  if (found) return found;
  const { namespace } = connection;
  const { items } = await connection.client.list(models, { namespace, limit: 20 });
  const names = items.map(({ metadata }) => metadata.name);
  throw new CliError(
    exitCodes.notFound,
    `There is no Model "${asked}" in namespace ${namespace}.`,
    names.length > 0
      ? `There are: ${names.join(', ')}.`
      : 'There are none: pull one with `longshore pull NAME`, or look into another namespace with --namespace.',
  );
}
