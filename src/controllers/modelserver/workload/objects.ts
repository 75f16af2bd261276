import type { ModelServer } from '../../../api/modelserver.ts';
import type { ServerNetwork } from '../../../api/server-network.ts';
import {
  deployments,
  networkPolicies,
  podDisruptionBudgets,
  serviceAccounts,
  services,
  type Deployment,
  type NetworkPolicy,
  type PodDisruptionBudget,
} from '../../../kube/builtin.ts';
import type { Live } from '../../../kube/kind.ts';
import { child, childRef, type Child, type ChildRef } from '../../step.ts';
import { serverBudget } from './disruption-budget.ts';
import type { Named } from './identity.ts';
import { serverNetworkPolicy } from './network-policy.ts';
import { serverAccount } from './service-account.ts';
import { serverService } from './service.ts';

/** What the operator was installed with that all servers have in common. */
export interface ServerSurroundings {
  /** Undefined: servers get no NetworkPolicy. */
  network: ServerNetwork | undefined;
  /** Names of Secrets that the runtime's image is pulled with. */
  pullSecrets: readonly string[];
}

/** Everything that a server is made of, in the order in which it is made. */
export function workloadObjects(
  server: Live<ModelServer>,
  deployment: Named<Deployment>,
  { network, pullSecrets }: ServerSurroundings,
): Child[] {
  const budget = serverBudget(server);
  return [
    // First, since its name is the address that is promised: nothing is loaded behind a name that is taken.
    child(services, serverService(server)),
    child(serviceAccounts, serverAccount(server, pullSecrets)),
    // Before there is a pod that anybody could reach.
    ...(network ? [child(networkPolicies, serverNetworkPolicy(server, network))] : []),
    child(deployments, deployment),
    ...(budget ? [child(podDisruptionBudgets, budget)] : []),
  ];
}

/** Of the objects that not every server has, those of this one that it should not have any more. */
export function unwantedObjects(
  server: Live<ModelServer>,
  there: { networkPolicies: Live<NetworkPolicy>[]; budgets: Live<PodDisruptionBudget>[] },
  { network }: Pick<ServerSurroundings, 'network'>,
): ChildRef[] {
  return [
    ...(network ? [] : there.networkPolicies.map((policy) => childRef(networkPolicies, policy))),
    ...(serverBudget(server) ? [] : there.budgets.map((budget) => childRef(podDisruptionBudgets, budget))),
  ];
}
