import type { Command } from 'commander';
import { models, modelServers } from '../../controllers/kinds.ts';
import { openDoor } from '../open.ts';
import type { DoorOptions } from '../door.ts';
import { candidatesFor, type NamesOf } from './candidates.ts';

/** As cobra has them (ShellCompDirective), whose protocol kubectl speaks with its plugins. */
const fileNames = 0;
const noFileNames = 4;

/**
 * What the scripts of `completion` and kubectl ask: a line for each candidate, with what it is behind a tab, and at last a
 * directive. Silent about what fails.
 * @param patience milliseconds until names that are asked for are given up
 */
export async function complete(root: Command, words: readonly string[], patience: number): Promise<string> {
  const environment: DoorOptions = root.opts();
  const names: NamesOf = async (what, options) => {
    const named = options['context'] ?? options['kubeconfig'];
    const { server, ...rest } = environment;
    const door = { ...rest, ...(named === undefined && { server }), ...options };
    const late = new Promise<[]>((resolve) => setTimeout(() => resolve([]), patience).unref());
    return Promise.race([late, namesIn(what, door)]).catch(() => []);
  };
  const { candidates, isFile } = await candidatesFor(root, words, names);
  const lines = candidates.map(({ value, about }) => (about === '' ? value : `${value}\t${about}`));
  return [...lines, `:${isFile ? fileNames : noFileNames}`, ''].join('\n');
}

async function namesIn(what: 'model' | 'server', options: DoorOptions): Promise<string[]> {
  await using door = await openDoor(options, '');
  const found = what === 'model' ? await door.list(models) : await door.list(modelServers);
  return found.map(({ metadata }) => metadata.name);
}
