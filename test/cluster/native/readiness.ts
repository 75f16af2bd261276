import { z } from 'zod';
import { get } from './own-api.ts';

const Condition = z.object({ type: z.string(), status: z.string() });
const Node = z.object({ status: z.object({ conditions: z.array(Condition).optional() }).optional() });

/** True, or undefined for "not yet", as `waitFor` takes it. */
export async function apiIsReady(kubeconfig: string): Promise<true | undefined> {
  return (await get(kubeconfig, '/readyz')) === undefined ? undefined : true;
}

export async function nodeIsReady(kubeconfig: string, name: string): Promise<true | undefined> {
  const body = await get(kubeconfig, `/api/v1/nodes/${name}`);
  if (body === undefined) return undefined;
  const node = Node.parse(JSON.parse(body));
  return (
    node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') || undefined
  );
}

/** Pods can be made in a namespace once its default account is there. */
export async function accountIsThere(kubeconfig: string): Promise<true | undefined> {
  const body = await get(kubeconfig, '/api/v1/namespaces/default/serviceaccounts/default');
  return body === undefined ? undefined : true;
}
