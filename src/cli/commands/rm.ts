import { models, modelServers } from '../../controllers/kinds.ts';
import { forceDeleteAnnotation } from '../../controllers/labels.ts';
import type { Connection } from '../connection.ts';
import { CliError, exitCodes, refusedBy } from '../failure.ts';
import { needModel } from '../lookup.ts';
import { nameOf } from '../output.ts';
import type { Terminal } from '../terminal.ts';

/**
 * Deletes a Model. One that servers use would stay until they are gone: that is said instead, unless it is forced, and then
 * they lose their volume.
 */
export async function rm(
  connection: Connection,
  terminal: Terminal,
  asked: string,
  { force = false }: { force?: boolean | undefined },
): Promise<void> {
  const { client, namespace } = connection;
  const { name, uid } = (await needModel(connection, asked)).metadata;
  const ref = { namespace, name };
  try {
    const servers = (await client.list(modelServers, { namespace })).items.filter(
      ({ spec, status }) => spec.modelRef.name === name || status?.model?.name === name,
    );
    if (servers.length > 0 && !force) {
      const names = servers.map(({ metadata }) => metadata.name);
      throw new CliError(
        exitCodes.failed,
        `Model ${name} is used by ${names.length === 1 ? 'server' : 'servers'} ${names.join(', ')}.`,
        `Unload first: ${names.map((each) => `\`longshore unload ${each}\``).join(', ')}. Or delete it all the same with --force: what they serve goes with it.`,
      );
    }
    if (force) {
      await client.patch(models, ref, { metadata: { annotations: { [forceDeleteAnnotation]: 'true' } } });
    }
    await client.delete(models, ref, { preconditions: { uid } });
  } catch (error) {
    throw refusedBy(error, `delete model ${name}`);
  }
  terminal.out.write(`${nameOf(models, name)} deleted\n`);
}
