import { models, modelServers } from '../../controllers/kinds.ts';
import type { Door } from '../door.ts';
import { CliError, exitCodes } from '../failure.ts';
import { needModel } from '../lookup.ts';
import { nameOf } from '../output.ts';
import type { Terminal } from '../terminal.ts';

/**
 * Deletes a Model. One that servers use would stay until they are gone: that is said instead, unless it is forced, and then
 * they lose their volume.
 */
export async function rm(
  door: Door,
  terminal: Terminal,
  asked: string,
  { force = false }: { force?: boolean | undefined },
): Promise<void> {
  const model = await needModel(door, asked);
  const { name } = model.metadata;
  const servers = (await door.list(modelServers)).filter(
    ({ spec, status }) => spec.modelRef.name === name || status?.model?.name === name,
  );
  if (servers.length > 0 && !force) {
    const names = servers.map(({ metadata }) => metadata.name);
    throw new CliError(
      exitCodes.failed,
      `Model ${name} is used by ${names.length === 1 ? 'server' : 'servers'} ${names.join(', ')}.`,
      `Unload first: ${names.map((each) => `\`${door.self} unload ${each}\``).join(', ')}. Or delete it all the same with --force: what they serve goes with it.`,
    );
  }
  await door.deleteModel(model, force);
  terminal.out.write(`${nameOf(models, name)} deleted\n`);
}
