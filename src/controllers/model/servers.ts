import type { ModelStatus } from '../../api/model-status.ts';
import type { Outcome } from '../step.ts';
import type { ModelView } from './view.ts';

/** Tells how many servers there are of the Model, whatever else is in its way: they wait for it too. */
export function countServers({ servers }: Pick<ModelView, 'servers'>): Outcome<ModelStatus> {
  const { length } = servers;
  return {
    at: 'done',
    message: length === 1 ? 'One ModelServer uses the Model.' : `${length} ModelServers use the Model.`,
    status: { servers: length },
  };
}
