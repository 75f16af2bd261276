import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { InformerCache } from './informer-cache.ts';
import type { Snapshot } from './informer-cache.ts';
import { Story, versionsOf } from './testing/story.ts';
import { liveWidget, widgets, type Widget } from './testing/widgets.ts';
import type { Live } from './kind.ts';

const names = ['a', 'b', 'c'];

/** What a server does, and what reaches the cache: answers and lists late, the watch in order, or not at all. */
type Step =
  | { do: 'write' | 'delete'; name: string }
  | { do: 'answer'; which: number }
  | { do: 'watch'; events: number }
  | { do: 'bookmark' | 'ask for a list' | 'read a list' | 'get a list' };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ do: fc.constantFrom('write', 'write', 'delete'), name: fc.constantFrom(...names) }),
    fc.record({ do: fc.constant('answer'), which: fc.nat(5) }),
    fc.record({ do: fc.constant('watch'), events: fc.nat(3) }),
    fc.record({ do: fc.constantFrom('bookmark', 'ask for a list', 'read a list', 'get a list') }),
  ),
  { minLength: 10, maxLength: 80 },
);

/** One server's history, and one cache that hears of it. */
class Play {
  readonly #history: { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: Live<Widget> }[] = [];
  readonly #server = new Map<string, Live<Widget>>();
  readonly #answers: Live<Widget>[] = [];
  readonly #story = new Story<Widget>();
  #version = 10;
  /** Events of the history that the watch has told. */
  #told = 0;
  #list: { snapshot: Snapshot<Widget>; read?: { version: string; told: number } } | undefined;
  readonly #cache = new InformerCache<Widget>({
    kind: widgets,
    indexes: {},
    onChange: this.#story.hear,
    onInvalid: () => {},
  });

  constructor() {
    this.#cache.replace(this.#cache.snapshot(), '10');
  }

  step(step: Step): void {
    switch (step.do) {
      case 'write':
        return this.#write(step.name);
      case 'delete':
        return this.#delete(step.name);
      case 'answer':
        for (const answer of this.#answers.splice(step.which, 1)) this.#cache.observe(answer);
        return;
      case 'watch':
        // There is none while a list is on its way.
        if (this.#list === undefined) this.#watch(step.events);
        return;
      case 'bookmark':
        if (this.#list === undefined && this.#told === this.#history.length)
          this.#cache.reach(String(this.#version));
        return;
      case 'ask for a list':
        this.#list ??= { snapshot: this.#cache.snapshot() };
        return;
      case 'read a list':
        return this.#readList();
      case 'get a list':
        return this.#getList();
    }
  }

  /** Everything that is still on its way comes. */
  finish(): { truth: string[]; cached: string[]; told: Story<Widget> } {
    this.#readList();
    this.#getList();
    while (this.#answers.length > 0) this.step({ do: 'answer', which: 0 });
    this.#watch(this.#history.length);
    const truth = versionsOf([...this.#server.values()]);
    return { truth, cached: versionsOf(this.#cache.store.all()), told: this.#story };
  }

  #write(name: string): void {
    const old = this.#server.get(name);
    this.#version += 1;
    const object = liveWidget(name, this.#version, {
      uid: old?.metadata.uid ?? `u${this.#version}`,
    });
    this.#server.set(name, object);
    this.#history.push({ type: old ? 'MODIFIED' : 'ADDED', object });
    this.#answers.push(object);
  }

  #delete(name: string): void {
    const old = this.#server.get(name);
    if (old === undefined) return;
    this.#version += 1;
    this.#server.delete(name);
    const object = liveWidget(name, this.#version, { uid: old.metadata.uid });
    this.#history.push({ type: 'DELETED', object });
  }

  #watch(events: number): void {
    for (const event of this.#history.slice(this.#told, this.#told + events)) this.#cache.take(event);
    this.#told = Math.min(this.#told + events, this.#history.length);
  }

  #readList(): void {
    if (this.#list === undefined || this.#list.read !== undefined) return;
    for (const object of this.#server.values()) this.#list.snapshot.add(object);
    this.#list.read = { version: String(this.#version), told: this.#history.length };
  }

  #getList(): void {
    if (this.#list?.read === undefined) return;
    const { snapshot, read } = this.#list;
    this.#cache.replace(snapshot, read.version);
    this.#told = read.told;
    this.#list = undefined;
  }
}

it('ends where the server is, and tells a story without gaps, repetitions or steps back, whatever comes when', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const play = new Play();
      for (const step of all) play.step(step);
      const { truth, cached, told } = play.finish();
      expect(cached).toEqual(truth);
      expect(told.present()).toEqual(truth);
      expect(told.faults).toEqual([]);
    }),
    { numRuns: 2000 },
  );
});
