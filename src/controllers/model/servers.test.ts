import { describe, expect, it } from 'vitest';
import { aModel, aServer, aView, now } from '../testing/objects.ts';
import { decide } from '../step.ts';
import { steps, stepsOnNamedClaim } from './reconcile.ts';

describe('a Model that servers use', () => {
  const servers = [aServer(), aServer()];
  const statusOf = (todo: typeof steps, spec: object, users: typeof servers) =>
    decide(todo, aView({ model: aModel(spec), servers: users }), { status: undefined, generation: 1, now })
      .status;

  it('tells how many there are before anything else is done', () => {
    expect(statusOf(steps, {}, servers)).toMatchObject({ servers: 2 });
    expect(statusOf(steps, {}, [])).toMatchObject({ servers: 0 });
  });

  it('tells it also where the claim that it names is missing', () => {
    const { conditions, servers: count } = statusOf(
      stepsOnNamedClaim,
      { storage: { claimName: 'shared' } },
      servers,
    );
    expect(count).toBe(2);
    expect(conditions?.find(({ type }) => type === 'Ready')?.reason).toBe('ClaimNotFound');
  });
});
