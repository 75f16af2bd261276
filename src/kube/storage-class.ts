import type { StorageClass } from './builtin.ts';

/** Any of these, set to `true`, makes a class the default one (kubernetes, `pkg/volume/util/storageclass.go`). */
export const defaultClassAnnotations = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
] as const;

/** Whether claims that name no class get this one, or another default one if there are several. */
export function isDefaultClass({ metadata }: StorageClass): boolean {
  return defaultClassAnnotations.some((annotation) => metadata?.annotations?.[annotation] === 'true');
}

/** Whether claims of this class may ask for more than they have. */
export function allowsExpansion({ allowVolumeExpansion }: StorageClass): boolean {
  return allowVolumeExpansion === true;
}
