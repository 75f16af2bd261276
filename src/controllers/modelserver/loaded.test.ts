import { describe, expect, it } from 'vitest';
import type { Pod } from '../../kube/builtin.ts';
import type { Live } from '../../kube/kind.ts';
import type { LoadState } from '../../protocols/runtime.ts';
import { aServer } from '../testing/objects.ts';
import { aDeployedView, aServerPod, ended, loading, waitsFor } from '../testing/servers.ts';
import { loadWeights } from './loaded.ts';

const load = { percent: 20, text: '20%' };
/** What is said with these pods. */
const told = (...pods: Live<Pod>[]) => loadWeights(aDeployedView({ pods }), {});
const failure = (reason: string, message: string) =>
  ended({ message: JSON.stringify({ failure: { reason, message } }) });

describe('loadWeights', () => {
  it('is done when the pods are ready, and when none is wanted', () => {
    expect(told(aServerPod('a', { ready: true }))).toMatchObject({
      at: 'done',
      message: 'The weights are loaded in 1 of 1 pods.',
    });
    expect(loadWeights(aDeployedView({ server: aServer({ replicas: 0 }) }), {}).at).toBe('done');
  });

  it('says how far the load is', () => {
    const view = aDeployedView({ pods: [aServerPod('a')] });
    const message = (percent: string) => `0 of 1 ready; the weights are ${percent} loaded.`;
    expect(loadWeights(view, { load })).toMatchObject({
      at: 'waiting',
      reason: 'Loading',
      message: message('20%'),
    });
    expect(loadWeights(view, {}).message).toBe(message('0%'));
  });

  it('is Starting until a pod runs', () => {
    expect(told(aServerPod('a', { phase: 'Pending' }))).toMatchObject({ at: 'waiting', reason: 'Starting' });
  });

  it('waits for the replicas that follow when those of before make room', () => {
    const server = aServer({ replicas: 2 });
    const pods = [aServerPod('a', { ready: true }), aServerPod('old', { of: 'old', age: 600, ready: true })];
    expect(loadWeights(aDeployedView({ server, pods }), {})).toMatchObject({
      at: 'waiting',
      reason: 'RollingOut',
      message: '1 of 2 ready; the others follow as pods of before make room.',
    });
  });

  it.for(['LoadFailed', 'ApiKeysNotFound', 'InsufficientGPUMemory'])(
    'is blocked for the reason that the runtime gives, in its words: %s',
    (reason) => {
      expect(told(aServerPod('a', failure(reason, 'so it is')))).toMatchObject({
        at: 'blocked',
        reason,
        message: 'Pod a: so it is',
      });
    },
  );

  it('is blocked when a pod is killed for its memory', () => {
    expect(told(aServerPod('a', ended({ reason: 'OOMKilled' })))).toMatchObject({
      at: 'blocked',
      reason: 'InsufficientMemory',
    });
  });

  it('does not take any other last word for a failed load', () => {
    for (const message of ['Killed', '{"failure":{"reason":"Bored","message":"x"}}', '']) {
      expect(told(aServerPod('a', ended({ message }))).at).toBe('waiting');
    }
  });

  it('forgets the failure of a pod that is ready, and of one of an older kind', () => {
    const odd = failure('LoadFailed', 'once');
    expect(told(aServerPod('a', { ...odd, ready: true })).at).toBe('done');
    const old = aServerPod('old', { ...odd, of: 'old', age: 600 });
    expect(told(aServerPod('a', { ready: true }), old).at).toBe('done');
  });

  it('tells in the words of the kubelet what keeps a pod from starting', () => {
    expect(told(aServerPod('a', waitsFor('ErrImagePull')))).toMatchObject({
      at: 'waiting',
      reason: 'ImagePullFailed',
      message: 'Pod a: ErrImagePull: so it is',
    });
  });
});

describe('how chats are rendered', () => {
  const fine = { description: 'Chats are rendered with the template of the model.' };
  const odd = {
    description: 'Chats are rendered with the template of the file.',
    problem: 'No {{ range }}.',
  };
  const toldOf = (
    chats: Record<string, LoadState['chat']>,
    pods = Object.keys(chats).map((name) => aServerPod(name)),
  ) => {
    const loads = new Map(
      Object.entries(chats).map(([name, chat]) => [name, { ...loading(100), ...(chat && { chat }) }]),
    );
    return loadWeights(aDeployedView({ pods, loads }), {}).conditions;
  };
  const honored = {
    type: 'ChatTemplateHonored',
    status: 'True',
    reason: 'Succeeded',
    message: fine.description,
  };
  const problem = {
    type: 'ChatTemplateHonored',
    status: 'False',
    reason: 'TemplateNotSupported',
    message: `${odd.description} ${odd.problem}`,
  };

  it('is a condition in the words of the pods, one with a problem first', () => {
    expect(toldOf({ a: fine, b: fine })).toEqual([honored]);
    expect(toldOf({ a: fine, b: odd })).toEqual([problem]);
    expect(toldOf({ a: undefined, b: fine })).toEqual([honored]);
  });

  it('is told by pods that are ready too', () => {
    expect(toldOf({ a: odd }, [aServerPod('a', { ready: true })])).toEqual([problem]);
  });

  it('is left as it is said while no pod says anything', () => {
    expect(toldOf({})).toEqual([]);
    expect(toldOf({ a: undefined })).toEqual([]);
    expect(toldOf({ gone: odd }, [])).toEqual([]);
  });

  it('goes by the newest pod that says it', () => {
    const other = { description: 'Otherwise.' };
    expect(
      toldOf({ a: other, b: fine }, [aServerPod('a', { age: 60 }), aServerPod('b', { age: 5 })]),
    ).toEqual([honored]);
  });

  it('says nothing of whether the weights are loaded', () => {
    const pods = [aServerPod('a', { ready: true })];
    const loads = new Map([['a', { phase: 'ready' as const, percent: 100, chat: odd }]]);
    expect(loadWeights(aDeployedView({ pods, loads }), {}).at).toBe('done');
  });
});
