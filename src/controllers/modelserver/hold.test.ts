import { describe, expect, it } from 'vitest';
import type { Model } from '../../api/model.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Kind, KubeObject, Live, Ref } from '../../kube/kind.ts';
import { forceDeleteAnnotation, inUseFinalizer } from '../labels.ts';
import { aModel, anArtifact, secondsAgo } from '../testing/objects.ts';
import { holdModel } from './hold.ts';

/** What is sent to have this Model held. */
async function sentFor(model: Live<Model> | undefined): Promise<unknown[]> {
  const sent: unknown[] = [];
  const patch = (_kind: Kind<KubeObject>, { name }: Ref, body: object) => {
    sent.push({ name, ...body });
    return Promise.resolve(model);
  };
  const client = { patch } as unknown as Pick<KubeClient, 'patch'>;
  await holdModel(client, model, new AbortController().signal);
  return sent;
}

function published(metadata: object = {}): Live<Model> {
  const model = aModel({}, { artifact: anArtifact() });
  return { ...model, metadata: { ...model.metadata, ...metadata } };
}

describe('holdModel', () => {
  it('puts the finalizer on a Model that has published, beside those of others, for this very version', async () => {
    expect(await sentFor(published({ finalizers: ['example.com/x'] }))).toEqual([
      { name: 'qwen', metadata: { resourceVersion: '1', finalizers: ['example.com/x', inUseFinalizer] } },
    ]);
  });

  it.for([
    ['that is not there', undefined],
    ['that has published nothing: no server mounts anything of it', aModel()],
    ['that is held', published({ finalizers: [inUseFinalizer] })],
    ['that is being deleted', published({ deletionTimestamp: secondsAgo(1) })],
    ['that is to go whoever uses it', published({ annotations: { [forceDeleteAnnotation]: 'true' } })],
  ] as const)('sends nothing for one %s', async ([, model]) => {
    expect(await sentFor(model)).toEqual([]);
  });
});
