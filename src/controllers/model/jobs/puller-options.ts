import type { PullerOptions } from '../../../api/puller-options.ts';
import { parseQuantity } from '../../../kube/quantity.ts';

/**
 * What holds for the puller of a Model: what its spec says, and beside that what the operator was installed with. A limit
 * of the operator's can be lowered by a Model and not raised. Labels, annotations and pull secrets of both hold; where both
 * have a key, the Model's value.
 */
export function effectiveOptions(own: PullerOptions = {}, operators: PullerOptions): PullerOptions {
  return {
    ...operators,
    ...own,
    connections: lowest([own.connections, operators.connections], Number),
    bandwidthLimit: lowest([own.bandwidthLimit, operators.bandwidthLimit], parseQuantity),
    ...(own.labels && { labels: { ...operators.labels, ...own.labels } }),
    ...(own.annotations && { annotations: { ...operators.annotations, ...own.annotations } }),
    ...(own.imagePullSecrets && {
      imagePullSecrets: ofOneName([...(operators.imagePullSecrets ?? []), ...own.imagePullSecrets]),
    }),
  };
}

function ofOneName<T extends { name: string }>(named: readonly T[]): T[] {
  return [...new Map(named.map((each) => [each.name, each])).values()];
}

function lowest<T>(limits: readonly (T | undefined)[], value: (limit: T) => number): T | undefined {
  return limits
    .filter((limit) => limit !== undefined)
    .toSorted((a, b) => value(a) - value(b))
    .at(0);
}
