import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { use, type Used } from '../../src/cli/testing/use.ts';
import { cliProgram } from './cli-program.ts';
import { it as itWithGateway } from './gateway-it.ts';
import { GatewayProcess } from './gateway-process.ts';
import type { World } from './world.ts';

export type Longshore = (...words: string[]) => Promise<Used>;

export const managed = (world: World) => ({
  LONGSHORE_MANAGEMENT: 'true',
  LONGSHORE_MODELS_NAMESPACE: world.namespace,
  LONGSHORE_GPUS: '1',
});

/** `it` with a gateway, and with the program at both doors, in this process, and as one of its own. */
export const it = itWithGateway
  .extend('gateway', { scope: 'file' }, async ({ world, gatewayKubeconfig }, { onCleanup }) => {
    const gateway = await GatewayProcess.start({
      kubeconfig: gatewayKubeconfig,
      namespace: world.namespace,
      cluster: dirname(world.kubeconfig),
      environment: managed(world),
    });
    onCleanup(() => gateway[Symbol.asyncDispose]());
    return gateway;
  })
  .extend('doors', ({ world, gateway }) => {
    const through =
      (...options: string[]): Longshore =>
      (...words) =>
        use(...options, ...words);
    return {
      cluster: through('--kubeconfig', world.kubeconfig, '-n', world.namespace),
      gateway: through('--server', gateway.url),
    };
  })
  .extend('program', { scope: 'file' }, cliProgram)
  .extend('start', ({ program, gateway }) => {
    return (...words: string[]) => spawn(process.execPath, [program, '--server', gateway.url, ...words]);
  });
