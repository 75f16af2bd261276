import { describe, expect } from 'vitest';
import { models } from '../../src/controllers/kinds.ts';
import { events } from '../../src/kube/builtin.ts';
import type { Ref } from '../../src/kube/kind.ts';
import { definitions } from '../cluster/definitions.ts';
import { eventually } from './eventually.ts';
import { itInOwnCluster } from './it.ts';
import { conditionOf, modelsAsWritten } from './objects.ts';
import { weights } from './weights.ts';

// Definitions are of the whole cluster.
const it = itInOwnCluster('definitions');

describe('a Model that was stored under another definition', () => {
  it('is told to be an InvalidObject, is in the way of nobody, and goes on when it is mended', async ({
    world,
  }) => {
    const { client, kubelet } = world;
    // A watch ends when a definition changes, so none is of use here.
    const isResolvedInTime = (ref: Ref) =>
      eventually(async () => {
        const model = await client.get(models, ref);
        expect(conditionOf(model, 'Resolved')?.status).toBe('True');
      });
    const definition = { name: `${models.plural}.longshore.dev` };
    const { spec } = await client.get(definitions, definition);
    const { versions } = spec as { versions: object[] };
    const anything = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
    const openAPIV3Schema = { type: 'object', properties: { spec: anything, status: anything } };
    const loose = versions.map((version) => ({ ...version, schema: { openAPIV3Schema } }));
    await client.patch(definitions, definition, { spec: { versions: loose } });
    const older = { metadata: world.ref('older'), spec: { source: { huggingFace: { repo: 42 } } } };
    // The API server takes a moment to go by it.
    await eventually(() => client.create(modelsAsWritten, older as never));

    await eventually(async () => {
      const { items } = await client.list(events, { namespace: world.namespace });
      const told = items.find(({ reason }) => reason === 'InvalidObject');
      expect(told).toMatchObject({ type: 'Warning', regarding: { kind: 'Model', name: 'older' } });
      expect(told?.note).toContain('spec.source.huggingFace.repo');
    });
    await client.patch(definitions, definition, { spec: { versions } });
    kubelet.provides('beside', weights());
    await world.applyModel('beside');
    await isResolvedInTime(world.ref('beside'));

    kubelet.provides('older', weights());
    const mended = { spec: { source: { huggingFace: { repo: 'owner/name' } } } };
    await client.patch(modelsAsWritten, world.ref('older'), mended);
    await isResolvedInTime(world.ref('older'));
  });
});
