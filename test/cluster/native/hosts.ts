import { writeState } from './state.ts';
import type { State } from './state.ts';

/** Names that the cluster's DNS answers beside Services: name -> address, where `host` stands for this machine. */
export async function writeHosts(
  state: State,
  hosts: Record<string, string>,
  hostAddress: string,
): Promise<void> {
  const entries = Object.entries(hosts).map(([name, target]) => [
    name.toLowerCase(),
    target === 'host' ? hostAddress : target,
  ]);
  await writeState(state.at('hosts.json'), JSON.stringify(Object.fromEntries(entries)));
}
