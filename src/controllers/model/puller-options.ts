import type { PullerOptions } from '../../api/puller-options.ts';
import { parseQuantity } from '../../kube/quantity.ts';

/**
 * What holds for the puller of a Model: what its spec says, and beside that what the operator was installed with. A limit
 * of the operator's can be lowered by a Model and not raised.
 */
export function effectiveOptions(own: PullerOptions = {}, operators: PullerOptions): PullerOptions {
  return {
    ...operators,
    ...own,
    connections: lowest([own.connections, operators.connections], Number),
    bandwidthLimit: lowest([own.bandwidthLimit, operators.bandwidthLimit], parseQuantity),
  };
}

function lowest<T>(limits: readonly (T | undefined)[], value: (limit: T) => number): T | undefined {
  return limits
    .filter((limit) => limit !== undefined)
    .toSorted((a, b) => value(a) - value(b))
    .at(0);
}
