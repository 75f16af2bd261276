import { z } from 'zod';

/** Labels and annotations that people may put on pods of ours. */

/** A name, and a domain in front of it. */
const metadataKey = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?$/;
const MetadataKey = z.string().regex(metadataKey);

/** Whether Longshore puts labels and annotations of this key on pods itself, and goes by them. */
export function isReservedKey(key: string): boolean {
  return key.startsWith('longshore.dev/') || key === 'app.kubernetes.io/managed-by';
}

/** A structural schema has no say on the keys of a map. */
const keyRules = [
  {
    rule: `self.all(key, key.matches('${metadataKey.source.replaceAll('\\', '')}'))`,
    message:
      'keys are names of letters, digits, dashes, dots and underscores, with a domain and a slash in front or not',
  },
  {
    rule: "self.all(key, !key.startsWith('longshore.dev/') && key != 'app.kubernetes.io/managed-by')",
    message: 'longshore.dev/... and app.kubernetes.io/managed-by are set by Longshore, which goes by them',
  },
];

const LabelValue = z
  .string()
  .max(63)
  .regex(/^([A-Za-z0-9]([-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?)?$/);

export const PodLabels = z
  .record(MetadataKey, LabelValue)
  .meta({ maxProperties: 32, 'x-kubernetes-validations': keyRules });

export const PodAnnotations = z
  .record(MetadataKey, z.string().max(4096))
  .meta({ maxProperties: 32, 'x-kubernetes-validations': keyRules });
