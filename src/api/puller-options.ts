import { z } from 'zod';
import { Affinity, NodeSelector, ObjectName, ResourceRequirements, Toleration } from './kubernetes.ts';
import { PodAnnotations, PodLabels } from './pod-metadata.ts';

/** The address of a proxy. A user and a password do not belong into a spec: they are for a Secret. */
const ProxyAddress = z
  .string()
  .max(512)
  .regex(/^https?:\/\/([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?\/?$/);

export const ProxyOptions = z
  .object({
    httpsProxy: ProxyAddress.optional().describe(
      'The proxy for what is asked over https, e.g. http://proxy.internal:3128.',
    ),
    httpProxy: ProxyAddress.optional().describe('The proxy for what is asked over http.'),
    noProxy: z
      .array(
        z
          .string()
          .min(1)
          .max(253)
          .regex(/^[^\s,]+$/),
      )
      .max(64)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'set' })
      .describe(
        'What is asked without a proxy: domains with their subdomains (example.com), subdomains alone (.example.com), addresses, prefixes (10.0.0.0/8), each but a prefix with a port if that matters; or *.',
      ),
    secretName: ObjectName.optional().describe(
      'A Secret in the namespace of the Model with the keys `username` and `password`. Its key `host` names the proxy that they are for, as http://proxy.internal:3128 does; no other gets them.',
    ),
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: 'has(self.httpsProxy) || has(self.httpProxy) || has(self.noProxy)',
        message: "set httpsProxy or httpProxy, or noProxy: ['*'] for no proxy at all",
      },
      {
        rule: '!has(self.secretName) || has(self.httpsProxy) || has(self.httpProxy)',
        message: 'secretName is for a proxy: name it in httpsProxy or httpProxy',
      },
    ],
  })
  .describe(
    "Through which proxies the source is asked. It takes the place of all of the operator's proxy settings; with noProxy: ['*'] no proxy is used.",
  );
export type ProxyOptions = z.infer<typeof ProxyOptions>;

export const CABundle = z
  .object({
    configMapName: ObjectName.optional().describe('A ConfigMap in the namespace of the Model.'),
    secretName: ObjectName.optional().describe('A Secret in the namespace of the Model.'),
    key: z
      .string()
      .min(1)
      .max(253)
      .regex(/^[-._A-Za-z0-9]+$/)
      .default('ca.crt')
      .describe('The key that holds the certificates, in PEM.'),
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: '[has(self.configMapName), has(self.secretName)].exists_one(x, x)',
        message: 'set exactly one of configMapName and secretName',
      },
    ],
  })
  .describe(
    'Certificates of authorities that are trusted beside the public ones, for the source and for proxies.',
  );
export type CABundle = z.infer<typeof CABundle>;

export const PullerOptions = z
  .object({
    connections: z
      .int()
      .min(1)
      .max(64)
      .optional()
      .describe(
        'The most connections of the pull; it uses as many of them as bring more. Default: 32. A limit that the operator was installed with can be lowered here, not raised.',
      ),
    bandwidthLimit: z
      .string()
      .max(32)
      .regex(/^[1-9][0-9]{0,14}(k|M|G|Ki|Mi|Gi)?$/)
      .optional()
      .describe(
        'What the pull may receive in a second, in bytes, e.g. 200Mi. Default: no limit. A limit that the operator was installed with can be lowered here, not raised.',
      ),
    proxy: ProxyOptions.optional(),
    caBundle: CABundle.optional(),
    resources: ResourceRequirements.optional().describe('Resources of the pull container.'),
    nodeSelector: NodeSelector.optional(),
    tolerations: z
      .array(Toleration)
      .max(16)
      .optional()
      .describe('Taints the puller tolerates, beside those of GPU nodes.'),
    affinity: Affinity.optional().describe(
      'Where the puller runs. nodeAffinity takes the place of the preference for GPU nodes, near which a volume would be made otherwise.',
    ),
    priorityClassName: ObjectName.optional().describe('The PriorityClass of the pods of the puller.'),
    labels: PodLabels.optional().describe(
      'Labels of the pods of the puller, beside those of Longshore and those that the operator was installed with.',
    ),
    annotations: PodAnnotations.optional().describe(
      'Annotations of the pods of the puller, beside those that the operator was installed with.',
    ),
    imagePullSecrets: z
      .array(z.object({ name: ObjectName.describe('A Secret in the namespace of the Model.') }))
      .max(16)
      .optional()
      .describe(
        'Secrets that the image of the puller is pulled with, beside those that the operator was installed with and those of the service account.',
      ),
  })
  .describe('How and where the pull runs. What is not set here is as the operator was installed with.');
export type PullerOptions = z.infer<typeof PullerOptions>;
