import { z } from 'zod';
import type { Kind, Live } from '../kind.ts';

const Widget = z.object({
  apiVersion: z.string().optional(),
  kind: z.string().optional(),
  metadata: z.object({ name: z.string(), namespace: z.string() }),
  spec: z.object({ size: z.number(), color: z.string().default('red') }),
});
export type Widget = z.infer<typeof Widget>;

/** A custom resource with a schema. */
export const widgets: Kind<Widget> = {
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  plural: 'widgets',
  namespaced: true,
  schema: Widget,
};

export interface WidgetChoices {
  size?: unknown;
  uid?: string;
  owner?: string;
}

/** A Widget as the API server would send it; the schema rejects a size that is no number. */
export function widget(name: string, resourceVersion: number, { size = 1, uid, owner }: WidgetChoices = {}) {
  return {
    metadata: {
      name,
      namespace: 'default',
      uid: uid ?? `uid-${name}`,
      resourceVersion: String(resourceVersion),
      finalizers: ['example.com/keep'],
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: owner ?? 'none' }],
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}', 'example.com/note': 'kept' },
      managedFields: [{ manager: 'm' }],
    },
    spec: { size },
  };
}

/** The same as it is in a cache, for tests that do not look at its content. */
export function liveWidget(...args: Parameters<typeof widget>): Live<Widget> {
  const { spec, ...rest } = widget(...args);
  return { ...rest, spec: { color: 'red', size: spec.size as number } };
}
