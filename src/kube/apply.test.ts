import { describe, expect, it } from 'vitest';
import { applier, needsApply, withHash } from './apply.ts';
import type { Deployment, PersistentVolumeClaim } from './builtin.ts';
import { deployments } from './builtin.ts';
import { covers, stableJson } from './covers.ts';
import type { Desired, Live } from './kind.ts';
import { recordClient } from './testing/recorded-client.ts';

const annotation = 'example.com/applied';

const desired: Desired<Deployment> = {
  metadata: { name: 'web', namespace: 'default', labels: { app: 'web' } },
  spec: {
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: {
        volumes: [{ name: 'tmp', emptyDir: { sizeLimit: '1024Mi' } }],
        containers: [
          {
            name: 'server',
            image: 'server:1',
            args: ['--port', '80'],
            env: [{ name: 'EMPTY', value: '' }],
            resources: { limits: { memory: '1024Mi', cpu: '0.5', 'example.com/gpu': '1' } },
          },
        ],
      },
    },
  },
};

/** As the API server answers: defaults filled in, quantities rewritten, zero values left out. */
function stored(change: (live: Live<Deployment>) => void = () => {}): Live<Deployment> {
  const { metadata, ...rest } = structuredClone(withHash(desired, annotation));
  const live = { ...rest, metadata: { ...metadata, name: 'web', uid: 'u1', resourceVersion: '7' } };
  Object.assign(live.spec ?? {}, { replicas: 3, revisionHistoryLimit: 10 });
  const pod = live.spec?.template.spec;
  pod?.volumes?.splice(0, 1, { name: 'tmp', emptyDir: { sizeLimit: '1Gi' } });
  pod?.containers.unshift({ name: 'injected', image: 'sidecar' });
  Object.assign(pod?.containers[1] ?? {}, {
    imagePullPolicy: 'IfNotPresent',
    env: [{ name: 'EMPTY' }],
    resources: { limits: { memory: '1Gi', cpu: '500m', 'example.com/gpu': '1' } },
  });
  change(live);
  return live;
}

const server = (live: Live<Deployment>) => live.spec?.template.spec?.containers[1];

describe('needsApply', () => {
  it('is false for what the server made of the desired object', () => {
    expect(needsApply(desired, stored(), annotation)).toBe(false);
  });

  it('is true when there is no live object', () => {
    expect(needsApply(desired, undefined, annotation)).toBe(true);
  });

  it('is true for an object that was never applied with a hash', () => {
    const live = stored(({ metadata }) => delete metadata.annotations);
    expect(needsApply(desired, live, annotation)).toBe(true);
  });

  it.each<[string, (live: Live<Deployment>) => void]>([
    ['an image', (live) => Object.assign(server(live) ?? {}, { image: 'server:evil' })],
    ['an argument more', (live) => server(live)?.args?.push('--debug')],
    ['arguments in another order', (live) => Object.assign(server(live) ?? {}, { args: ['80', '--port'] })],
    ['a quantity', (live) => Object.assign(server(live)?.resources ?? {}, { limits: { memory: '2Gi' } })],
    ['a label gone', (live) => delete live.metadata.labels],
    ['a container gone', (live) => live.spec?.template.spec?.containers.splice(1)],
  ])('is true when somebody changed %s', (_what, change) => {
    expect(needsApply(desired, stored(change), annotation)).toBe(true);
  });

  it('is true when a member is wanted no more, though the live object has all of the rest', () => {
    const { labels: _dropped, ...metadata } = desired.metadata ?? {};
    expect(needsApply({ ...desired, metadata }, stored(), annotation)).toBe(true);
  });
});

describe('covers', () => {
  it('compares quantities only where quantities stand', () => {
    const claim = (storage: string): Desired<PersistentVolumeClaim> => ({
      spec: { resources: { requests: { storage } } },
    });
    expect(covers(claim('1Gi'), claim('1024Mi'))).toBe(true);
    expect(covers(claim('1G'), claim('1Gi'))).toBe(false);
    expect(covers({ labels: { a: '1000m' } }, { labels: { a: '1' } })).toBe(false);
  });

  it('takes an absent value for a zero one and for nothing else', () => {
    expect(covers({}, { a: '', b: 0, c: false, d: [], e: {}, f: null, g: undefined })).toBe(true);
    expect(covers({}, { a: 'x' })).toBe(false);
    expect(covers({}, { a: { b: 1 } })).toBe(false);
    expect(covers({ a: 'x' }, { a: '' })).toBe(false);
  });
});

describe('stableJson', () => {
  it('does not depend on the order of members, and drops undefined ones', () => {
    expect(stableJson({ b: 1, a: { d: 2, c: [{ y: 1, x: 2 }] }, e: undefined })).toBe(
      stableJson({ a: { c: [{ x: 2, y: 1 }], d: 2 }, b: 1 }),
    );
  });
});

describe('an applier', () => {
  it('sends nothing when nothing would change, and the hash and the version that it was decided by otherwise', async () => {
    const { client, sent } = recordClient();
    const apply = applier({ client, annotation });
    expect(await apply(deployments, desired, stored())).toBe(false);
    expect(sent).toEqual([]);

    const other = { ...desired, spec: undefined };
    expect(await apply(deployments, other, stored())).toBe(true);
    expect(await apply(deployments, desired, undefined)).toBe(true);
    const hashed = (object: Desired<Deployment>) => withHash(object, annotation).metadata;
    expect(sent.map(({ object }) => object['metadata'])).toEqual([
      { ...hashed(other), uid: 'u1', resourceVersion: stored().metadata.resourceVersion },
      hashed(desired),
    ]);
  });
});
