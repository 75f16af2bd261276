import { describe, expect, it } from 'vitest';
import { reasons } from '../../../api/reasons.ts';
import type { Pod } from '../../../kube/builtin.ts';
import type { Live } from '../../../kube/kind.ts';
import { aServerPod, containerThat, ended, waitsFor } from '../../testing/servers.ts';
import { troubleAmong, waitsForVolumes, type PodFacts } from './troubles.ts';

const facts: PodFacts = { mountFailures: new Map(), memoryLimit: undefined };
const told = (...pods: Live<Pod>[]) => troubleAmong(pods, facts);
const failure = (reason: string, message: string) =>
  ended({ message: JSON.stringify({ failure: { reason, message } }) });

describe('the trouble of a pod', () => {
  it('is nothing while all goes its way', () => {
    expect(told(aServerPod('a'), aServerPod('b', waitsFor('ContainerCreating')))).toBeUndefined();
    expect(told()).toBeUndefined();
  });

  it.for(['LoadFailed', 'ApiKeysNotFound', 'InsufficientGPUMemory', 'InsufficientMemory'] as const)(
    'is told in the words of the runtime, with what to do: %s',
    (reason) => {
      expect(told(aServerPod('a', failure(reason, 'so\nit is')))).toEqual({
        at: 'blocked',
        reason,
        message: `Pod a: so it is. ${reasons[reason].action}`,
      });
    },
  );

  it('is a kill for memory, with the limit and what to do', () => {
    const pod = aServerPod('a', ended({ reason: 'OOMKilled', exitCode: 137 }));
    expect(troubleAmong([pod], { ...facts, memoryLimit: '2Gi' })).toEqual({
      at: 'blocked',
      reason: 'InsufficientMemory',
      message:
        'Pod a was killed for its memory (OOMKilled; its limit is 2Gi). Raise spec.pod.resources.limits.memory, lower spec.runtime.contextSize or parallel, or serve a smaller quantization.',
    });
    expect(told(pod)?.message).toContain('(OOMKilled; its node ran out of it)');
  });

  it.for(['Killed', '{"failure":{"reason":"Bored","message":"x"}}', ''])(
    'is a crash when the runtime leaves no word that is known: %s',
    (message) => {
      expect(told(aServerPod('a', ended({ message, exitCode: 139 })))).toEqual({
        at: 'waiting',
        reason: 'Crashed',
        message:
          'Pod a: the runtime ended with exit code 139 and no word of why, and was started again once. Read its log with kubectl logs a --previous.',
      });
    },
  );

  it('is a crash before the container is started again too, with what the kubelet calls it', () => {
    const state = { terminated: { exitCode: 128, reason: 'StartError' } };
    expect(told(aServerPod('a', containerThat({ state })))?.message).toBe(
      'Pod a: the runtime ended with exit code 128 (StartError) and no word of why. Read its log with kubectl logs a --previous.',
    );
    expect(told(aServerPod('a', containerThat({ state, restartCount: 3 })))?.message).toContain(
      'was started again 3 times',
    );
  });

  it.for([
    ['ErrImagePull', 'ImagePullFailed'],
    ['ImagePullBackOff', 'ImagePullFailed'],
    ['InvalidImageName', 'ImagePullFailed'],
    ['ErrImageNeverPull', 'ImagePullFailed'],
    ['CreateContainerConfigError', 'PodCannotStart'],
    ['CreateContainerError', 'PodCannotStart'],
    ['RunContainerError', 'PodCannotStart'],
  ] as const)('is %s as %s, in the words of the kubelet', ([said, reason]) => {
    expect(told(aServerPod('a', waitsFor(said)))).toEqual({
      at: 'waiting',
      reason,
      message: `Pod a: ${said}: so it is. ${reasons[reason].action}`,
    });
  });

  it('is that its node does not answer', () => {
    const pod = aServerPod('a', containerThat({ ready: true }));
    const there = { ...pod, spec: { containers: [], nodeName: 'gpu-1' } };
    expect(told(there)).toEqual({
      at: 'waiting',
      reason: 'NodeLost',
      message:
        'Node gpu-1 does not answer, and pod a runs there. Another pod takes its place when the node stays away for five minutes; if it is gone for good, delete it (kubectl delete node gpu-1).',
    });
  });

  it.for([
    ['MountVolume.SetUp failed for volume "pv": no such host', 'MountFailed'],
    ['Multi-Attach error for volume "pv" Volume is already used by pod(s) b', 'VolumeNotShared'],
  ] as const)('is that a volume does not come: %s', ([words, reason]) => {
    const mountFailures = new Map([['uid-of-a', words]]);
    expect(troubleAmong([aServerPod('a')], { ...facts, mountFailures })).toEqual({
      at: 'waiting',
      reason,
      message: `Pod a: ${words}. ${reasons[reason].action}`,
    });
  });

  it('is counted, and what a person is needed for goes first', () => {
    const image = (name: string) => aServerPod(name, waitsFor('ErrImagePull', 'no'));
    expect(told(image('a'), image('b'))?.message).toBe(
      `Pod a: ErrImagePull: no; and so another pod. ${reasons.ImagePullFailed.action}`,
    );
    expect(told(image('a'), image('b'), image('c'))?.message).toContain('; and so 2 other pods.');
    expect(told(image('a'), aServerPod('b', failure('LoadFailed', 'odd.')))).toMatchObject({
      reason: 'LoadFailed',
      message: `Pod b: odd. ${reasons.LoadFailed.action}`,
    });
  });
});

describe('a pod that waits for its volumes', () => {
  const scheduled = { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'True' }] };
  it.for([
    ['has a node and no containers yet', scheduled, true],
    ['is about to have its container made', { ...scheduled, ...waitsFor('ContainerCreating') }, true],
    ['has no image', { ...scheduled, ...waitsFor('ErrImagePull') }, false],
    ['has no node', { phase: 'Pending' }, false],
    ['runs', {}, false],
  ] as const)('%s: %o %s', ([, status, waits]) => {
    expect(waitsForVolumes(aServerPod('a', status))).toBe(waits);
  });
});
