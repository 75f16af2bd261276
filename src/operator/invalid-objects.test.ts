import { expect, it } from 'vitest';
import { z } from 'zod';
import type { KubeObject, Live } from '../kube/kind.ts';
import { InvalidObjects } from './invalid-objects.ts';

const object = (name: string): Live<KubeObject> => ({ metadata: { name, uid: name, resourceVersion: '1' } });

it('invalid objects are told of by the leader alone, those of before that are still invalid included', () => {
  const said: string[] = [];
  const invalid = new InvalidObjects({
    record: ({ metadata }, { reason, note }) => void said.push(`${metadata.name}: ${reason}: ${note}`),
  });
  const [mended, broken, later] = ['mended', 'broken', 'later'].map(object);
  invalid.saw(mended!, new Error('no'));
  invalid.saw(broken!, new Error('no'));
  expect(said).toEqual([]);
  invalid.lead([{ invalid: () => [broken!] }, { invalid: () => [] }]);
  invalid.saw(later!, new Error('never'));
  const advice = 'Apply it again with the current CRDs installed.';
  expect(said).toEqual([`broken: InvalidObject: no. ${advice}`, `later: InvalidObject: never. ${advice}`]);
});

it('what a schema does not take is told in one line, with where it stands', () => {
  const notes: string[] = [];
  const invalid = new InvalidObjects({ record: (_about, { note }) => void notes.push(note) });
  invalid.lead([]);
  const { error } = z.object({ spec: z.object({ repo: z.string() }) }).safeParse({ spec: { repo: 42 } });
  invalid.saw(object('broken'), error!);
  expect(notes[0]).toMatch(/^spec\.repo: Invalid input: expected string, received number\. Apply it/);
});
