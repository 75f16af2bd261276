import type { Pod } from '../kube/builtin.ts';

type PodSpec = NonNullable<Pod['spec']>;
type Container = PodSpec['containers'][number];

/** The user of our images. */
export const user = 65532;

/**
 * What every pod of ours has in common: no API token, and what the `restricted` Pod Security level asks for.
 * fsGroup lets the user write to volumes whose driver sets ownership.
 */
export const hardenedPod = {
  automountServiceAccountToken: false,
  enableServiceLinks: false,
  securityContext: {
    runAsNonRoot: true,
    runAsUser: user,
    runAsGroup: user,
    fsGroup: user,
    fsGroupChangePolicy: 'OnRootMismatch',
    seccompProfile: { type: 'RuntimeDefault' },
  },
} satisfies Partial<PodSpec>;

export const hardenedContainer = {
  securityContext: {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  },
} satisfies Partial<Container>;
