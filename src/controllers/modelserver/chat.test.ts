import { describe, expect, it } from 'vitest';
import type { LoadState } from '../../protocols/runtime.ts';
import { aServer } from '../testing/objects.ts';
import { aDeployedView, aServerPod, loading } from '../testing/servers.ts';
import { chatConditions } from './chat.ts';
import { loadWeights } from './load-weights.ts';
import { provideWorkload } from './provide.ts';
import type { ServerView } from './view.ts';

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
    return chatConditions(aDeployedView({ pods, loads }));
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

  it('is not told by pods of before', () => {
    const pods = [aServerPod('a', { of: 'old', ready: true }), aServerPod('b', { ready: true })];
    expect(toldOf({ a: odd, b: fine }, pods)).toEqual([honored]);
    expect(toldOf({ a: odd }, pods)).toEqual([]);
  });

  it('is unsaid with the write that replaces the pods, and not with one that counts them anew', () => {
    const view = aDeployedView();
    const another = aServer({ runtime: { parallel: 8 } });
    const types = (changed: Partial<ServerView>) =>
      provideWorkload({ ...view, ...changed }).conditions?.map(({ type, status }) => `${type} ${status}`);
    expect(types({ server: another })).toContain('ChatTemplateHonored Unknown');
    expect(types({ server: aServer({ replicas: 3 }) })).toEqual(['RuntimeCurrent True']);
    expect(types({ deployment: undefined })).toEqual(['RuntimeCurrent True']);
  });

  it('says nothing of whether the weights are loaded', () => {
    const pods = [aServerPod('a', { ready: true })];
    const loads = new Map([['a', { phase: 'ready' as const, percent: 100, chat: odd }]]);
    const { at, conditions } = loadWeights(aDeployedView({ pods, loads }), {});
    expect({ at, conditions }).toEqual({ at: 'done', conditions: [problem] });
  });
});
