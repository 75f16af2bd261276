import { vendorOf } from '../../../api/gpu.ts';
import type { ModelServer } from '../../../api/modelserver.ts';
import type { Live } from '../../../kube/kind.ts';
import { rollAtAnnotation } from '../../labels.ts';
import type { ServerView } from '../view.ts';
import type { RolloutRecord } from './record.ts';

/** So much of a value of the annotation is looked at. */
const mostOfRequest = 256;

/** The value of the annotation roll-at where it has one that was not followed yet. */
export function rollAsked({ metadata }: Live<ModelServer>, record?: RolloutRecord): string | undefined {
  const value = metadata.annotations?.[rollAtAnnotation]?.slice(0, mostOfRequest);
  return value === record?.rolledAt ? undefined : value;
}

/**
 * The image for the pods. On GPUs the one that they have been told to run stays, until somebody asks for that of the
 * operator; on CPUs it is that of the operator, unless that could not serve and nobody has asked for it since.
 */
export function pinnedImage({ server, image }: ServerView, record?: RolloutRecord): string {
  const vendor = vendorOf(server.spec.gpu);
  const isAsked = record !== undefined && rollAsked(server, record) !== undefined;
  if (vendor === undefined) return record?.failed?.image === image && !isAsked ? record.image : image;
  // A Deployment that somebody deleted is made again as it was.
  const pin = record ?? server.status?.runtime;
  if (pin === undefined || pin.vendor !== vendor) return image;
  return isAsked ? image : pin.image;
}
