import type { Door, DoorOptions } from './door.ts';

/** Opens the way that the options name: to a gateway, or else to the cluster of the kubeconfig. Rejects with CliError. */
export async function openDoor(options: DoorOptions, self: string): Promise<Door> {
  if (options.server !== undefined) {
    const { openGateway } = await import('./gateway/door.ts');
    return openGateway({ ...options, server: options.server }, self);
  }
  const { openCluster } = await import('./cluster/door.ts');
  return openCluster(options, self);
}
