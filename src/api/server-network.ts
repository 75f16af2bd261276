import { z } from 'zod';
import { LabelSelector } from './kubernetes.ts';

/** networking.k8s.io/v1 NetworkPolicyPeer. */
const Peer = z
  .strictObject({
    podSelector: LabelSelector.optional(),
    namespaceSelector: LabelSelector.optional(),
    ipBlock: z
      .strictObject({
        cidr: z.string().min(1).max(64),
        except: z.array(z.string().max(64)).max(32).optional(),
      })
      .optional(),
  })
  .describe('Pods, pods of namespaces, or addresses.');

const EgressRule = z.strictObject({
  to: z.array(Peer).max(32).optional(),
  ports: z
    .array(
      z.strictObject({
        protocol: z.enum(['TCP', 'UDP', 'SCTP']).optional(),
        port: z.union([z.int().min(1).max(65535), z.string().max(15)]).optional(),
        endPort: z.int().min(1).max(65535).optional(),
      }),
    )
    .max(32)
    .optional(),
});

/** Who may reach the pods of servers, and whom they may reach. */
export const ServerNetwork = z.strictObject({
  clients: z
    .array(Peer)
    .max(32)
    .default([])
    .describe('Who may ask servers; empty: everybody in the cluster.'),
  monitoring: z
    .array(Peer)
    .max(32)
    .default([])
    .describe(
      'Who may scrape metrics, which are on the port of the answers: counted only where there are clients.',
    ),
  egress: z
    .array(EgressRule)
    .max(32)
    .default([])
    .describe('Where to the pods may go, e.g. the control plane of a service mesh; empty: nowhere.'),
});
export type ServerNetwork = z.infer<typeof ServerNetwork>;
