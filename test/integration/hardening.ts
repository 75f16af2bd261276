import { expect } from 'vitest';
import type { Pod } from '../../src/kube/builtin.ts';

/** What every pod of ours has in common, beyond what the API server already enforces here. */
export function expectHardened(spec: NonNullable<Pod['spec']>): void {
  expect(spec.automountServiceAccountToken).toBe(false);
  expect(spec.enableServiceLinks).toBe(false);
  expect(spec.securityContext).toMatchObject({
    runAsNonRoot: true,
    runAsUser: 65532,
    seccompProfile: { type: 'RuntimeDefault' },
  });
  const [container] = spec.containers;
  expect(container?.securityContext).toEqual({
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  });
  expect(spec.volumes?.map(({ name }) => name)).not.toContain('kube-api-access');
}

/** The spec of a pod that a restricted namespace takes. */
export const admissiblePod = {
  securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } },
  containers: [
    {
      name: 'probe',
      image: 'none',
      securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    },
  ],
};
