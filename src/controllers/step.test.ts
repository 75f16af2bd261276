import { describe, expect, it } from 'vitest';
import { jobs, services } from '../kube/builtin.ts';
import {
  child,
  childRef,
  decide,
  withSeen,
  type ConditionedStatus,
  type Outcome,
  type Step,
} from './step.ts';
import { meta, now, secondsAgo } from './testing/objects.ts';

interface Status extends ConditionedStatus {
  found?: string | undefined;
  left?: string | undefined;
}

const step = (condition: string, outcome: Outcome<Status>): Step<undefined, Status> => ({
  condition,
  run: () => outcome,
});
const done = step('First', { at: 'done', message: 'Found.' });
const waiting = step('Second', { at: 'waiting', reason: 'Pulling', message: 'Half.', recheckAfter: 2 });
const blocked = step('Second', { at: 'blocked', reason: 'GatedRepo', message: 'Ask.' });
const held = step('Second', { at: 'held', reason: 'Suspended', message: 'Later.' });
const never: Step<undefined, Status> = {
  condition: 'Third',
  run: () => {
    throw new Error('a step after one that is not done is not run');
  },
};

function decided(steps: Step<undefined, Status>[], status?: Status, generation = 3) {
  const decision = decide(steps, undefined, { status, generation, now });
  const told = decision.status.conditions?.map(({ type, status, reason }) => `${type} ${status} ${reason}`);
  return { ...decision, told };
}

describe('withSeen', () => {
  it('adds what the cache does not have yet, of this kind', () => {
    const [cached, made] = [{ metadata: meta('cached') }, { metadata: meta('made') }];
    const seen = [
      childRef(jobs, cached),
      childRef(jobs, made),
      childRef(services, { metadata: meta('other') }),
    ];
    expect(withSeen(jobs, [cached], seen)).toEqual([cached, made]);
  });
});

describe('decide', () => {
  it('is Ready when every step is done, in the words of the last', () => {
    const { told, status, recheckAfter } = decided([
      done,
      step('Second', { at: 'done', message: 'Served.' }),
    ]);
    expect(told).toEqual([
      'First True Succeeded',
      'Second True Succeeded',
      'Ready True Ready',
      'Reconciling False Ready',
      'Stalled False Ready',
    ]);
    expect(status.conditions?.find(({ type }) => type === 'Ready')?.message).toBe('Served.');
    expect(recheckAfter).toBeUndefined();
  });

  it('is neither Reconciling nor Stalled when a person has stopped it', () => {
    const { told } = decided([done, held, never]);
    expect(told).toEqual([
      'First True Succeeded',
      'Second False Suspended',
      'Third Unknown Pending',
      'Ready False Suspended',
      'Reconciling False Suspended',
      'Stalled False Suspended',
    ]);
  });

  it('is Reconciling at the first step that waits, and runs none after it', () => {
    const { told, recheckAfter } = decided([done, waiting, never]);
    expect(told).toEqual([
      'First True Succeeded',
      'Second False Pulling',
      'Third Unknown Pending',
      'Ready False Pulling',
      'Reconciling True Pulling',
      'Stalled False Pulling',
    ]);
    expect(recheckAfter).toBe(2);
  });

  it('is Stalled at the first step that is blocked', () => {
    expect(decided([done, blocked, never]).told).toEqual([
      'First True Succeeded',
      'Second False GatedRepo',
      'Third Unknown Pending',
      'Ready False GatedRepo',
      'Reconciling False GatedRepo',
      'Stalled True GatedRepo',
    ]);
  });

  it('says of a later condition which step it waits for', () => {
    const third = decided([done, blocked, never]).status.conditions?.find(({ type }) => type === 'Third');
    expect(third?.message).toBe('Waits for Second.');
  });

  it('says of a later condition what can be told meanwhile', () => {
    const answers = { status: 'True', reason: 'Succeeded', message: 'One answers.' } as const;
    const third: typeof never = { ...never, meanwhile: () => answers };
    const said = (steps: Parameters<typeof decided>[0]) =>
      decided(steps).status.conditions?.find(({ type }) => type === 'Third');
    expect(said([done, blocked, third])).toMatchObject(answers);
  });

  it('is Ready for the reason that its last step gives', () => {
    const { told } = decided([{ run: () => ({ at: 'done', readyAs: 'ScaledToZero', message: 'None.' }) }]);
    expect(told).toEqual([
      'Ready True ScaledToZero',
      'Reconciling False ScaledToZero',
      'Stalled False ScaledToZero',
    ]);
  });

  it('is looked at again when the first of its steps wants that', () => {
    const later = step('Second', { at: 'done', message: 'Served.', recheckAfter: 60 });
    const soon = step('First', { at: 'done', message: 'Found.', recheckAfter: 5 });
    expect(decided([soon, later]).recheckAfter).toBe(5);
    expect(decided([later, waiting]).recheckAfter).toBe(2);
  });

  it("has a step say its own condition in the place of what it came to, and keeps that one's time", () => {
    const reason = 'SourceUnreachable' as const;
    const failing = { type: 'First', status: 'False' as const, reason, message: 'Nobody is there.' };
    const steps = [step('First', { at: 'done', message: 'Found.', conditions: [failing] })];
    const first = decided(steps);
    expect(first.told?.slice(0, 2)).toEqual(['First False SourceUnreachable', 'Ready True Ready']);
    const later = new Date(now.getTime() + 60_000);
    const again = decide(steps, undefined, { status: first.status, generation: 3, now: later });
    expect(again.status).toBe(first.status);
  });

  it('has the events of all steps that ran', () => {
    const event = { type: 'Normal' as const, reason: 'RevisionChanged', note: 'It moved.' };
    const steps = [step('First', { at: 'done', message: '', events: [event] }), waiting];
    expect(decided(steps).events).toEqual([event]);
    expect(decided([done]).events).toEqual([]);
  });

  it('says further conditions of the steps that ran, which change nothing else', () => {
    const further = (reason: 'Succeeded' | 'TemplateNotSupported'): Outcome<Status> => ({
      at: 'done',
      message: 'Served.',
      conditions: [{ type: 'Further', status: 'False', reason, message: 'A detail.' }],
    });
    const { told, status } = decided([step('First', further('TemplateNotSupported'))]);
    expect(told).toEqual([
      'First True Succeeded',
      'Further False TemplateNotSupported',
      'Ready True Ready',
      'Reconciling False Ready',
      'Stalled False Ready',
    ]);
    expect(status.conditions?.[1]).toMatchObject({ message: 'A detail.', observedGeneration: 3 });
  });

  it('leaves a further condition as it stands when no step says it again', () => {
    const conditions = [{ type: 'Further', status: 'True' as const, reason: 'Succeeded', message: 'Then.' }];
    const before = { conditions: conditions.map((each) => ({ ...each, lastTransitionTime: secondsAgo(9) })) };
    expect(decided([done], before).status.conditions?.[0]).toEqual(before.conditions[0]);
  });

  it('carries the generation in the status and in every condition', () => {
    const { status } = decided([done, waiting, never], undefined, 7);
    expect(status.observedGeneration).toBe(7);
    expect(status.conditions?.map(({ observedGeneration }) => observedGeneration)).toEqual(Array(6).fill(7));
  });

  it('moves the transition time of a condition only when its status changes', () => {
    const before = decide([done, waiting], undefined, {
      status: undefined,
      generation: 1,
      now: new Date(secondsAgo(600)),
    }).status;
    const times = Object.fromEntries(
      decided([done, blocked], before).status.conditions?.map((each) => [
        each.type,
        each.lastTransitionTime,
      ]) ?? [],
    );
    const [then, at] = [secondsAgo(600), secondsAgo(0)];
    expect(times).toEqual({ First: then, Second: then, Ready: then, Reconciling: at, Stalled: at });
  });

  it('merges what the steps say of the status, later ones over earlier ones, and drops what is undefined', () => {
    const { status } = decided(
      [
        step('First', { at: 'done', message: '', status: { found: 'first', left: undefined } }),
        step('Second', { at: 'done', message: '', status: { found: 'second' } }),
      ],
      { found: 'before', left: 'before' },
    );
    expect(status.found).toBe('second');
    expect(status).not.toHaveProperty('left');
  });

  it('answers with the very status that is there when nothing of it changes, nor a condition that stays', () => {
    const again = (generation: number) =>
      decide([step('First', { at: 'done', message: 'Found.', status: { found: 'x' } })], undefined, {
        status: before,
        generation,
        now,
      }).status;
    const before: Status = JSON.parse(
      JSON.stringify(
        decided([step('First', { at: 'done', message: 'Found.', status: { found: 'x' } })]).status,
      ),
    ) as Status;
    expect(again(3)).toBe(before);
    expect(again(4).conditions?.map(({ observedGeneration }) => observedGeneration)).toEqual(
      Array(4).fill(4),
    );
    const waits = decide([done, waiting], undefined, { status: before, generation: 3, now }).status;
    expect(waits.conditions?.[0]).toBe(before.conditions?.[0]);
  });

  it('shows a step what the steps before it found', () => {
    const seen: (string | undefined)[] = [];
    const looking: Step<undefined, Status> = {
      run: (_view, { found }) => {
        seen.push(found);
        return { at: 'done', message: '' };
      },
    };
    decided([looking, step('First', { at: 'done', message: '', status: { found: 'now' } }), looking], {
      found: 'before',
    });
    expect(seen).toEqual(['before', 'now']);
  });

  it('collects what steps apply and remove up to where it stops, that step included', () => {
    const make = (name: string) => child(jobs, { metadata: { name, namespace: 'ns' } });
    const drop = (name: string) => childRef(jobs, { metadata: meta(name) });
    const { apply, remove } = decided([
      step('First', { at: 'done', message: '', apply: [make('a')], remove: [drop('x')] }),
      step('Second', { at: 'waiting', reason: 'Pulling', message: '', apply: [make('b')] }),
      step('Third', { at: 'done', message: '', apply: [make('c')] }),
    ]);
    expect(apply.map(({ object }) => object.metadata.name)).toEqual(['a', 'b']);
    expect(remove.map(({ object }) => object.metadata.name)).toEqual(['x']);
  });
});
