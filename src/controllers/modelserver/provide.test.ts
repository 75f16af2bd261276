import { describe, expect, it } from 'vitest';
import { aModel, anArtifact, aServer, aServerView } from '../testing/objects.ts';
import { aDeployedView } from '../testing/servers.ts';
import { isSeen, provideWorkload } from './provide.ts';

describe('provideWorkload', () => {
  it('wants a Service first, and a Deployment when all that its pods need is there', () => {
    const kinds = provideWorkload(aServerView()).apply?.map(({ kind }) => kind.kind);
    expect(kinds).toEqual(['Service', 'ServiceAccount', 'NetworkPolicy', 'Deployment']);
  });

  it('asks for the memory that the model takes', () => {
    const server = aServer({ gpu: { count: 0 } });
    const memory = { weightsBytes: 2 ** 30, kvBytesPerToken: {} };
    const model = aModel({}, { artifact: anArtifact(), memory });
    const { apply = [] } = provideWorkload(aServerView({ server, model }));
    const deployment = apply.find(({ kind }) => kind.kind === 'Deployment');
    expect(JSON.stringify(deployment?.object)).toContain('"requests":{"memory":"1280Mi"}');
  });
});

it('a Deployment is seen when its pods are those that are wanted, and its controller knows', () => {
  expect(isSeen(aServerView())).toBe(false);
  expect(isSeen(aDeployedView())).toBe(true);
  expect(isSeen(aDeployedView({}, { observedGeneration: 0 }))).toBe(false);
});
