import { isDeepStrictEqual } from 'node:util';
import { ModelServerSpec, type ModelServer } from '../../../api/modelserver.ts';
import { fingerprint } from '../../model/view.ts';
import type { Artifact } from '../artifact.ts';

/** A spec in which nothing is chosen. */
const usual = rolling(ModelServerSpec.parse({ modelRef: { name: 'any' } }));

/**
 * Names what the pods of a server are asked to be: what somebody chose in the spec, the weights, the runtime image. It
 * does not change when another release of the operator has another default, or builds other pods for the same.
 */
export function askedFor({ spec }: ModelServer, weights: readonly Artifact[], image: string): string {
  const places = weights.map(({ claimName, path, digest }) => [claimName, path, digest]);
  return fingerprint([chosen(rolling(spec), usual), places, image]);
}

/** Of a spec, what is in the pods. */
function rolling(spec: ModelServerSpec): object {
  const { replicas: _, rollout, ...rest } = spec;
  return { ...rest, gracePeriod: rollout.gracePeriod };
}

/** The members, at any depth, that are not what they are when nobody chooses them. */
function chosen(value: unknown, unchosen: unknown): unknown {
  if (isDeepStrictEqual(value, unchosen)) return undefined;
  if (!isRecord(value) || !isRecord(unchosen)) return value;
  const members = Object.entries(value).map(([name, member]) => [name, chosen(member, unchosen[name])]);
  return Object.fromEntries(members.filter(([, member]) => member !== undefined));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
