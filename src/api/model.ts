import { z } from 'zod';
import { apiVersion, ObjectMeta, ObjectName, Quantity } from './kubernetes.ts';
import { ModelStatus } from './model-status.ts';
import { PullerOptions } from './puller-options.ts';
import { ModelSource } from './source.ts';
import { defaultInterval, UpdatePolicy } from './update.ts';

export const Credentials = z
  .object({
    secretName: ObjectName.describe('A Secret in the namespace of the Model.'),
    key: z
      .string()
      .max(253)
      .regex(/^[-._A-Za-z0-9]+$/)
      .default('token')
      .describe(
        'The key of the Secret that holds the token, or the password where there is a user name. For a registry it may be .dockerconfigjson, of which the entry for that registry is used.',
      ),
  })
  .describe(
    'A token for the source. It is mounted into the puller and read by nothing else. The key `host` of the Secret names the host it is for; without it the token goes to the public hub of the source only, and of a source without one nowhere. A key `username` makes it a password.',
  );
export type Credentials = z.infer<typeof Credentials>;

export const ModelStorage = z
  .object({
    size: Quantity.optional().describe(
      'The size of the volume. Default: the size of the files, a tenth more, and 256Mi. Raised, it has the claim enlarged where its StorageClass allows that (allowVolumeExpansion). It cannot be lowered once there is a claim; left out, the claim stays as large as it is.',
    ),
    storageClassName: z
      .string()
      .max(253)
      .regex(/^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$/)
      .optional()
      .describe(
        'Default: the default storage class of the cluster. Empty: a volume without a class, made by hand. Another class means another volume: the files are pulled onto that, and the one before goes when no server uses it.',
      ),
    accessModes: z
      .array(z.enum(['ReadWriteOnce', 'ReadWriteMany', 'ReadWriteOncePod']))
      .min(1)
      .max(3)
      .default(['ReadWriteOnce'])
      .meta({ 'x-kubernetes-list-type': 'set' })
      .describe(
        'How nodes may mount the volume; servers on several nodes need ReadWriteMany. Other modes mean another volume, as another class does.',
      ),
    labels: z
      .record(
        z.string(),
        z
          .string()
          .max(63)
          .regex(/^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/),
      )
      .optional()
      .meta({
        maxProperties: 16,
        'x-kubernetes-validations': [
          {
            rule: "self.all(key, !key.startsWith('longshore.dev/') && key != 'app.kubernetes.io/managed-by')",
            message:
              'Longshore finds its claims by longshore.dev/... and app.kubernetes.io/managed-by: choose other keys',
          },
          {
            rule: "self.all(key, key.size() <= 317 && key.matches('^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'))",
            message:
              'a key of a label is a name of at most 63 letters, digits, dashes, dots and underscores, with a domain and a slash before it or without',
          },
        ],
      })
      .describe('Labels for the claims that Longshore makes, e.g. for backups and bills.'),
    claimName: ObjectName.optional().describe(
      'A claim in the namespace of the Model that is there already, in place of one of its own: many Models may share it, and what several of them have is stored once. Longshore fills it, and never makes, resizes, labels or deletes it.',
    ),
    reclaimPolicy: z
      .enum(['Delete', 'Retain'])
      .default('Delete')
      .describe(
        'What becomes of the claim when the Model is deleted, or, on a claim that claimName names, of the files that no other Model there has. A Model of the same name and source that is applied later takes over a retained one, and downloads only what it lacks.',
      ),
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: "!has(self.claimName) || (!has(self.size) && !has(self.storageClassName) && !has(self.labels) && self.accessModes == ['ReadWriteOnce'])",
        message:
          'claimName names a claim that is there, with a size, a storage class, access modes and labels of its own: leave size, storageClassName, accessModes and labels out',
      },
    ],
  })
  .describe('The volume that the weights are stored on.');

export const ModelSpec = z
  .object({
    source: ModelSource,
    credentials: Credentials.optional(),
    storage: ModelStorage.default({ accessModes: ['ReadWriteOnce'], reclaimPolicy: 'Delete' }),
    suspend: z
      .boolean()
      .default(false)
      .describe(
        'Whether the source is left alone: nothing is asked or pulled, and a pull that runs is stopped. What it has brought stays on the volume, and it goes on from there. What is published stays in use.',
      ),
    update: UpdatePolicy.default({ policy: 'Never', interval: defaultInterval, keepRevisions: 1 }),
    puller: PullerOptions.optional(),
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: "!has(self.source.volume) || (!has(self.storage.size) && !has(self.storage.storageClassName) && !has(self.storage.labels) && !has(self.storage.claimName) && self.storage.accessModes == ['ReadWriteOnce'])",
        message:
          'the files of source.volume are used where they are, and nothing is stored: leave size, storageClassName, accessModes, labels and claimName out of storage',
      },
      {
        rule: '!(has(self.source.volume) && has(self.credentials))',
        message: 'credentials are for a hub or a registry, and source.volume asks none: leave them out',
      },
    ],
  });
export type ModelSpec = z.infer<typeof ModelSpec>;

export const Model = z.object({
  apiVersion: z.literal(apiVersion),
  kind: z.literal('Model'),
  metadata: ObjectMeta,
  spec: ModelSpec,
  status: ModelStatus.optional(),
});
export type Model = z.infer<typeof Model>;
