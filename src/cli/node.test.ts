import { expect, it } from 'vitest';
import project from '../../package.json' with { type: 'json' };
import { ensureNode, leastNode } from './node.ts';

it.for(['v20.20.2', 'v22.18.0', '18.0.0'])('says so of Node %s, which is too old', (version) => {
  expect(() => ensureNode(version)).toThrow(`This needs Node ${leastNode} or later, and runs on ${version}`);
});

it.for(['v22.19.0', 'v22.20.1', 'v24.0.0', process.version])('says nothing of Node %s', (version) => {
  expect(() => ensureNode(version)).not.toThrow();
});

it('asks for what the project does', () => {
  expect(project.engines.node).toBe(`>=${leastNode}`);
});
