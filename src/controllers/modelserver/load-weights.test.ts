import { describe, expect, it } from 'vitest';
import { reasons } from '../../api/reasons.ts';
import type { Pod } from '../../kube/builtin.ts';
import type { Live } from '../../kube/kind.ts';
import { aServer } from '../testing/objects.ts';
import { aDeployedView, aServerPod, ended, waitsFor } from '../testing/servers.ts';
import { loadWeights } from './load-weights.ts';

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

  it('is Starting while another pod is yet to come, and none of before is there', () => {
    const server = aServer({ replicas: 2 });
    const pods = [aServerPod('a', { ready: true })];
    expect(loadWeights(aDeployedView({ server, pods }), {})).toMatchObject({
      at: 'waiting',
      reason: 'Starting',
      message: '1 of 2 ready; pods are starting.',
    });
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

  it('is blocked by what only a person can mend, and waits with the rest', () => {
    expect(told(aServerPod('a', failure('LoadFailed', 'so it is')))).toMatchObject({
      at: 'blocked',
      reason: 'LoadFailed',
      message: `Pod a: so it is. ${reasons.LoadFailed.action}`,
    });
    expect(told(aServerPod('a', waitsFor('ErrImagePull')))).toMatchObject({
      at: 'waiting',
      reason: 'ImagePullFailed',
      message: `Pod a: ErrImagePull: so it is. ${reasons.ImagePullFailed.action}`,
    });
  });

  it('tells the limit that a pod was killed at', () => {
    const server = aServer({ pod: { resources: { limits: { memory: '1Gi' } } } });
    const pods = [aServerPod('a', ended({ reason: 'OOMKilled' }))];
    expect(loadWeights(aDeployedView({ server, pods }), {})).toMatchObject({
      at: 'blocked',
      reason: 'InsufficientMemory',
      message: expect.stringContaining('its limit is 1Gi') as string,
    });
  });

  it('tells what is said of the volumes that a pod waits for', () => {
    const scheduled = { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'True' }] };
    const pods = [aServerPod('a', scheduled)];
    expect(loadWeights(aDeployedView({ pods }), {})).toMatchObject({ reason: 'Starting' });
    const mountFailures = new Map([['uid-of-a', 'no host']]);
    expect(loadWeights(aDeployedView({ pods, mountFailures }), {})).toMatchObject({ reason: 'MountFailed' });
  });

  it('forgets the failure of a pod that is ready, and of one of an older kind', () => {
    const odd = failure('LoadFailed', 'once');
    expect(told(aServerPod('a', { ...odd, ready: true })).at).toBe('done');
    const old = aServerPod('old', { ...odd, of: 'old', age: 600 });
    expect(told(aServerPod('a', { ready: true }), old).at).toBe('done');
  });
});
