import { describe, expect, it } from 'vitest';
import { aModel, anArtifact, aServer, aServerView } from '../testing/objects.ts';
import { aDeployedView, aDeploymentFor, aServerPod, waitsFor, withoutNode } from '../testing/servers.ts';
import { placePods } from './scheduled.ts';

const starting = { at: 'waiting', reason: 'Starting' };

describe('placePods', () => {
  it('waits for a Deployment that its controller has seen', () => {
    const pods = [aServerPod('a')];
    expect(placePods(aServerView({ pods }))).toMatchObject(starting);
    expect(placePods(aDeployedView({ pods }, { observedGeneration: 0 }))).toMatchObject(starting);
    const { observedGeneration: _, ...unseen } = aDeploymentFor(aServerView()).status ?? {};
    const deployment = { ...aDeploymentFor(aServerView()), status: unseen };
    expect(placePods(aServerView({ deployment, pods }))).toMatchObject(starting);
  });

  it('does not go by the Deployment of the artifact before', () => {
    const deployment = aDeploymentFor(aServerView());
    const model = aModel({}, { artifact: anArtifact({ claimName: 'another' }) });
    expect(placePods(aServerView({ deployment, model, pods: [aServerPod('a')] }))).toMatchObject(starting);
  });

  it('waits for pods, and for a node for each', () => {
    expect(placePods(aDeployedView())).toMatchObject(starting);
    const pods = [aServerPod('a'), aServerPod('b', { phase: 'Pending' })];
    const server = aServer({ replicas: 2 });
    expect(placePods(aDeployedView({ server, pods }))).toMatchObject({
      ...starting,
      message: '1 of 2 pods have a node; the others are on their way.',
    });
  });

  it('is done when each has a node, whatever becomes of it there', () => {
    const scheduled = { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'True' }] };
    for (const status of [{}, scheduled, waitsFor('ErrImagePull')]) {
      expect(placePods(aDeployedView({ pods: [aServerPod('a', status)] }))).toMatchObject({
        at: 'done',
        message: '1 of 1 pods have a node.',
      });
    }
  });

  it('is done when none is wanted', () => {
    expect(placePods(aDeployedView({ server: aServer({ replicas: 0 }) })).at).toBe('done');
  });

  it('tells in the words of the scheduler why there is no node', () => {
    expect(placePods(aDeployedView({ pods: [aServerPod('a', withoutNode('no GPU'))] }))).toMatchObject({
      at: 'waiting',
      reason: 'Unschedulable',
      message: 'Pod a: no GPU',
    });
  });

  it('does not go by pods of an older kind', () => {
    const pods = [aServerPod('old', { of: 'old', age: 600, ...withoutNode('no GPU') }), aServerPod('a')];
    expect(placePods(aDeployedView({ pods })).at).toBe('done');
  });

  it.for([
    ['exceeded quota: gpus', 'waiting', 'QuotaExceeded'],
    ['violates PodSecurity "restricted:latest"', 'blocked', 'WriteRefused'],
  ] as const)('tells why a pod could not be made: %s', ([message, at, reason]) => {
    const conditions = [{ type: 'ReplicaFailure', status: 'True', message }];
    expect(placePods(aDeployedView({}, { conditions }))).toEqual({
      at,
      reason,
      message: `A pod could not be made: ${message}`,
    });
    const over = [{ type: 'ReplicaFailure', status: 'False', message }];
    expect(placePods(aDeployedView({ pods: [aServerPod('a')] }, { conditions: over })).at).toBe('done');
  });
});
