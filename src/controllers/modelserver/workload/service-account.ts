import type { ModelServer } from '../../../api/modelserver.ts';
import type { ServiceAccount } from '../../../kube/builtin.ts';
import type { Live } from '../../../kube/kind.ts';
import { childMetadata, type Named } from './identity.ts';

/** Not the name of the server itself: that may be `default`, or that of an account of somebody else. */
export function accountName(server: Live<ModelServer>): string {
  return `${server.metadata.name}-server`;
}

/**
 * Who the pods of a server are: nobody. No rights are bound to it, no token of it is mounted, and what a namespace's account
 * `default` has been given is not theirs.
 */
export function serverAccount(
  server: Live<ModelServer>,
  pullSecrets: readonly string[],
): Named<ServiceAccount> {
  return {
    metadata: { ...childMetadata(server), name: accountName(server) },
    automountServiceAccountToken: false,
    ...(pullSecrets.length > 0 && { imagePullSecrets: pullSecrets.map((name) => ({ name })) }),
  };
}
