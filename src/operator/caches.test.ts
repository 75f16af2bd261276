import { describe, expect, it } from 'vitest';
import { forceDeleteAnnotation, inUseFinalizer, labels } from '../controllers/labels.ts';
import type { KubeClient } from '../kube/client.ts';
import { Informer, type Change } from '../kube/informer.ts';
import { formatKey, type KubeObject, type Live, type Ref } from '../kube/kind.ts';
import type { Priority } from '../kube/priority.ts';
import { recordLog } from '../kube/testing/logs.ts';
import { seeRunningPulls, startCaches, wire, type Caches } from './caches.ts';

const kinds = [
  'models',
  'modelServers',
  'jobs',
  'pods',
  'claims',
  'otherClaims',
  'deployments',
  'services',
  'serviceAccounts',
  'networkPolicies',
  'budgets',
  'storageClasses',
  'nodes',
  'devices',
] as const satisfies (keyof Caches)[];

type Metadata = Partial<Live<KubeObject>['metadata']>;

/** Wired caches in the hands of the test, and what that enqueues: `model default/a user`. */
function setUp({ servers = [], unready = [], waiting = [], bound = [], shared }: Given = {}) {
  const handlers: Record<string, ((change: Change<KubeObject>) => void)[]> = {};
  const enqueued: string[] = [];
  const indexed: Record<string, Live<KubeObject>[]> = {
    'modelServers model default/a': servers.map((name) => object({ name })),
    'claims phase Pending': waiting.map((metadata) => object(metadata)),
    'claims class standard': bound.map((metadata) => object(metadata)),
    'modelServers state waiting': unready.map((name) => object({ name })),
    ...(shared && {
      'models claim default/shared': shared.models,
      'jobs claimUid shared-uid': shared.notes,
      'otherClaims phase Pending': [sharedClaim()],
    }),
  };
  const named: Record<string, Live<KubeObject> | undefined> = {
    'otherClaims default/shared': shared && sharedClaim(),
    ...Object.fromEntries(
      (shared?.models ?? []).map((each) => [`models default/${each.metadata.name}`, each]),
    ),
  };
  const caches = Object.fromEntries(
    kinds.map((kind) => [
      kind,
      {
        onChange: (handler: (change: Change<KubeObject>) => void) => (handlers[kind] ??= []).push(handler),
        by: (index: string, value: string) => indexed[`${kind} ${index} ${value}`] ?? [],
        get: (namespace: string, name: string) => named[`${kind} ${namespace}/${name}`],
      },
    ]),
  ) as unknown as Caches;
  const controller = (name: string) => ({
    enqueue: (key: Ref, priority?: Priority) => enqueued.push(`${name} ${formatKey(key)} ${priority}`),
  });
  wire(caches, { model: controller('model'), server: controller('server') });
  const tell = (kind: keyof Caches, change: Change<KubeObject>): string[] => {
    enqueued.length = 0;
    for (const handler of handlers[kind] ?? []) handler(change);
    return [...new Set(enqueued)].sort();
  };
  return { tell };
}

interface Given {
  /** Names of servers of Model `a`. */
  servers?: string[];
  /** Names of servers that are not Ready. */
  unready?: string[];
  /** Of claims that have no volume yet. */
  waiting?: Metadata[];
  /** Of claims of the StorageClass `standard`. */
  bound?: Metadata[];
  /** What there is about a claim `shared` of others. */
  shared?: { models: Live<KubeObject>[]; notes: Live<KubeObject>[] };
}

function sharedClaim(
  metadata: Metadata = {},
  rest: object = { status: { phase: 'Bound' } },
): Live<KubeObject> {
  return object({ name: 'shared', uid: 'shared-uid', ...metadata }, rest);
}

function object(metadata: Metadata, rest: object = {}): Live<KubeObject> {
  return {
    metadata: { name: 'a', namespace: 'default', uid: 'u', resourceVersion: '1', generation: 1, ...metadata },
    ...rest,
  };
}

const ownedBy = (kind: string): Metadata => ({
  name: 'child',
  ownerReferences: [{ apiVersion: 'longshore.dev/v1alpha1', kind, name: 'a', uid: 'u', controller: true }],
});
const server = (model: string, claimName?: string, adapters: string[] = []): Live<KubeObject> =>
  object(
    { name: 's' },
    {
      spec: {
        modelRef: { name: model },
        runtime: { parallel: 1, adapters: adapters.map((name) => ({ modelRef: { name }, scale: 1 })) },
      },
      status: { model: { name: model, claimName } },
    },
  );

describe('a Model', () => {
  const { tell } = setUp({ servers: ['s'] });

  it('goes first when it is new or its spec changed, and its servers follow one that is new', () => {
    const followed = ['model default/a user', 'server default/s event'];
    expect(tell('models', { type: 'added', object: object({}) })).toEqual(followed);
    const edited = { type: 'modified', object: object({ generation: 2 }), old: object({}) } as const;
    expect(tell('models', edited)).toEqual(['model default/a user']);
  });

  it('does not when only its status changed', () => {
    const status = { observedGeneration: 1 };
    expect(tell('models', { type: 'modified', object: object({}, { status }), old: object({}) })).toEqual([
      'model default/a event',
    ]);
  });

  it('has its servers looked at when it publishes, or when what is in its way is another thing', () => {
    const having = (status: object) => object({}, { status });
    const ready = (reason: string, message: string) => ({
      conditions: [
        { type: 'Ready', status: 'False', reason, message },
        { type: 'Stalled', status: reason === 'Pulling' ? 'False' : 'True', reason, message },
      ],
    });
    const wakes = (now: object, before: object): boolean =>
      tell('models', { type: 'modified', object: having(now), old: having(before) }).includes(
        'server default/s event',
      );
    const artifact = { digest: 'sha256:1', claimName: 'a-1' };
    expect(wakes({ artifact }, {})).toBe(true);
    expect(wakes({ artifact: { ...artifact, digest: 'sha256:2' } }, { artifact })).toBe(true);
    expect(wakes(ready('Pulling', '1GB of 2GB.'), {})).toBe(true);
    expect(wakes(ready('GatedRepo', 'Ask a.'), ready('Pulling', '1GB of 2GB.'))).toBe(true);
    expect(wakes(ready('GatedRepo', 'Ask b.'), ready('GatedRepo', 'Ask a.'))).toBe(true);
    // How far a pull is says the Model; and of each server that comes the others hear nothing.
    expect(wakes(ready('Pulling', '2GB of 2GB.'), ready('Pulling', '1GB of 2GB.'))).toBe(false);
    expect(wakes({ artifact, servers: 2 }, { artifact, servers: 1 })).toBe(false);
  });

  it('has them looked at when somebody has taken off what keeps it for them, and not when that is put on', () => {
    const [held, free] = [object({ finalizers: [inUseFinalizer] }), object({})];
    const forced = object({ annotations: { [forceDeleteAnnotation]: 'true' } });
    const wakes = (now: Live<KubeObject>, old: Live<KubeObject>): boolean =>
      tell('models', { type: 'modified', object: now, old }).includes('server default/s event');
    expect(wakes(free, held)).toBe(true);
    expect(wakes(held, free)).toBe(false);
    expect(wakes(free, forced)).toBe(true);
  });

  it('is last when it was there at the start, unless nobody has looked at its spec', () => {
    const seen = object({}, { status: { observedGeneration: 1 } });
    expect(tell('models', { type: 'added', object: seen, initial: true })).toEqual([
      'model default/a backlog',
      'server default/s backlog',
    ]);
    const changed = object({ generation: 2 }, { status: { observedGeneration: 1 } });
    expect(tell('models', { type: 'added', object: changed, initial: true })).toEqual([
      'model default/a event',
      'server default/s backlog',
    ]);
  });
});

describe('a ModelServer', () => {
  const { tell } = setUp();

  it('goes first when it is new, and has its Model looked at', () => {
    expect(tell('modelServers', { type: 'added', object: server('m') })).toEqual([
      'model default/m event',
      'server default/s user',
    ]);
    expect(tell('modelServers', { type: 'deleted', object: server('m') })).toEqual([
      'model default/m event',
      'server default/s event',
    ]);
  });

  it('leaves its Model alone while it uses the same of it', () => {
    const change = { type: 'modified', object: server('m', 'claim'), old: server('m', 'claim') } as const;
    expect(tell('modelServers', change)).toEqual(['server default/s event']);
  });

  it('has its Model looked at when it is being deleted', () => {
    const ending = { name: 's', deletionTimestamp: '2030-01-01T00:00:00Z', generation: 2 };
    const now = { ...server('m', 'claim'), metadata: object(ending).metadata };
    expect(tell('modelServers', { type: 'modified', object: now, old: server('m', 'claim') })).toEqual([
      'model default/m event',
      'server default/s user',
    ]);
  });

  it('has both Models looked at when it turns to another, and its own when it turns to another claim', () => {
    const turned = { type: 'modified', object: server('m2', 'claim'), old: server('m1', 'claim') } as const;
    expect(tell('modelServers', turned)).toEqual([
      'model default/m1 event',
      'model default/m2 event',
      'server default/s event',
    ]);
    const updated = { type: 'modified', object: server('m', 'claim-2'), old: server('m', 'claim') } as const;
    expect(tell('modelServers', updated)).toEqual(['model default/m event', 'server default/s event']);
  });

  it('has all Models looked at that it names, when it names another adapter', () => {
    const change = { type: 'modified', object: server('m', 'c', ['sql']), old: server('m', 'c') } as const;
    expect(tell('modelServers', change)).toEqual([
      'model default/m event',
      'model default/sql event',
      'server default/s event',
    ]);
  });
});

describe('a StorageClass', () => {
  const { tell } = setUp({
    waiting: [
      { name: 'one', labels: { [labels.model]: 'a' } },
      { name: 'two', labels: { [labels.model]: 'b' } },
      { name: 'stray' },
    ],
  });
  const standard = (isDefault: boolean, more: Metadata = {}): Live<KubeObject> => {
    const annotations = { 'storageclass.kubernetes.io/is-default-class': String(isDefault) };
    return object({ name: 'standard', namespace: undefined, annotations, ...more });
  };
  const both = ['model default/a event', 'model default/b event'];

  it('has every Model looked at whose claim waits for a volume, when it comes or goes', () => {
    expect(tell('storageClasses', { type: 'added', object: standard(false) })).toEqual(both);
    expect(tell('storageClasses', { type: 'deleted', object: standard(true) })).toEqual(both);
    expect(tell('storageClasses', { type: 'added', object: standard(true), initial: true })).toEqual([
      'model default/a backlog',
      'model default/b backlog',
    ]);
  });

  it('has when it becomes the default one or ceases to be, and for no other change', () => {
    const modified = (now: boolean, before: boolean) =>
      tell('storageClasses', {
        type: 'modified',
        object: standard(now, { resourceVersion: '2' }),
        old: standard(before),
      });
    expect(modified(true, false)).toEqual(both);
    expect(modified(false, true)).toEqual(both);
    expect(modified(true, true)).toEqual([]);
  });
});

describe('a StorageClass that lets its claims grow by now', () => {
  const { tell } = setUp({ bound: [{ name: 'one', labels: { [labels.model]: 'a' } }] });
  const standard = (allowVolumeExpansion: boolean): Live<KubeObject> =>
    object({ name: 'standard', namespace: undefined }, { allowVolumeExpansion });

  it('has the Models looked at whose claims are of it', () => {
    const change = { type: 'modified', object: standard(true), old: standard(false) } as const;
    expect(tell('storageClasses', change)).toEqual(['model default/a event']);
    expect(tell('storageClasses', { ...change, old: standard(true) })).toEqual([]);
  });
});

describe('a node', () => {
  const { tell } = setUp({ unready: ['s'] });
  const node = (
    labelled: Record<string, string>,
    allocatable: object,
    resourceVersion = '1',
  ): Live<KubeObject> => {
    const { namespace: _, ...metadata } = object({ name: 'n', labels: labelled, resourceVersion }).metadata;
    return { metadata, status: { allocatable } } as Live<KubeObject>;
  };
  const old = node({ pool: 'a' }, { memory: '1Gi' });

  it('has the servers looked at that are not Ready, when it comes or has other room', () => {
    const looked = ['server default/s event'];
    expect(tell('nodes', { type: 'added', object: old })).toEqual(looked);
    expect(tell('nodes', { type: 'deleted', object: old })).toEqual(looked);
    const modified = (now: Live<KubeObject>) => tell('nodes', { type: 'modified', object: now, old });
    expect(modified(node({ pool: 'b' }, { memory: '1Gi' }))).toEqual(looked);
    expect(modified(node({ pool: 'a' }, { memory: '2Gi' }))).toEqual(looked);
    expect(modified(node({ pool: 'a' }, { memory: '1Gi' }, '2'))).toEqual([]);
  });
});

describe('what a driver says of its devices', () => {
  const { tell } = setUp({ unready: ['s'] });
  const slice = (memory: string, resourceVersion = '1') =>
    object(
      { name: 'n', namespace: undefined, resourceVersion },
      { spec: { devices: [{ name: 'gpu-0', capacity: { memory: { value: memory } } }] } },
    );

  it('has the servers looked at that are not Ready, when it is something else than before', () => {
    const looked = ['server default/s event'];
    const old = slice('24Gi');
    expect(tell('devices', { type: 'added', object: old })).toEqual(looked);
    expect(tell('devices', { type: 'modified', object: slice('48Gi', '2'), old })).toEqual(looked);
    expect(tell('devices', { type: 'modified', object: slice('24Gi', '2'), old })).toEqual([]);
  });
});

describe('a claim that others have made', () => {
  const one = object({ name: 'one' }, { status: {} });
  const edited = object({ name: 'edited' }, { status: { storage: { replaced: ['sha256:old'] } } });
  const note = (model: string, uid: string): Live<KubeObject> =>
    object({ name: 'note', labels: { [labels.model]: model, [labels.modelUid]: uid } });
  const notes = [note('one', 'u'), note('gone', 'former')];
  const { tell } = setUp({ shared: { models: [one, edited], notes } });
  const all = ['model default/edited event', 'model default/gone event', 'model default/one event'];
  /** Those that have something to be removed from it. */
  const some = ['model default/edited event', 'model default/gone event'];

  it('has every Model looked at that names it, and that has left something there', () => {
    expect(tell('otherClaims', { type: 'added', object: sharedClaim() })).toEqual(all);
    expect(tell('otherClaims', { type: 'deleted', object: sharedClaim() })).toEqual(all);
  });

  it('has when it can be used otherwise than before, and for no other change', () => {
    const old = sharedClaim();
    const modified = (now: Live<KubeObject>) => tell('otherClaims', { type: 'modified', object: now, old });
    expect(modified(sharedClaim({ deletionTimestamp: '2030-01-01T00:00:00Z' }))).toEqual(all);
    expect(modified(sharedClaim({}, { status: { phase: 'Lost' } }))).toEqual(all);
    expect(modified(sharedClaim({ labels: { team: 'a' }, resourceVersion: '2' }))).toEqual([]);
  });

  it('has those that have something to be removed when a server may use it no more', () => {
    const ready = (status: string, name = 'shared') =>
      object(
        { name: 's' },
        {
          spec: { modelRef: { name: 'gone' }, runtime: { parallel: 1 } },
          status: {
            model: { name: 'gone', claimName: name, digest: 'd' },
            conditions: [{ type: 'Ready', status }],
          },
        },
      );
    const change = (now: Live<KubeObject>, old: Live<KubeObject>) =>
      tell('modelServers', { type: 'modified', object: now, old }).filter((each) => each.startsWith('model'));
    expect(change(ready('True'), ready('False'))).toEqual(some);
    expect(change(ready('True', 'other'), ready('True'))).toEqual(some);
    expect(change(ready('True'), ready('True'))).toEqual([]);
    const withPart = (claimName: string) => {
      const parts = [{ use: 'Adapter', name: 'gone', digest: 'd', claimName }];
      return object(
        { name: 's' },
        { spec: { modelRef: { name: 'gone' }, runtime: { parallel: 1 } }, status: { parts } },
      );
    };
    expect(change(withPart('other'), withPart('shared'))).toEqual(some);
    expect(tell('modelServers', { type: 'deleted', object: ready('True') })).toEqual(
      expect.arrayContaining(some),
    );
  });

  it('has them when a pod of a server ends or goes', () => {
    const volumes = [{ name: 'models', persistentVolumeClaim: { claimName: 'shared' } }];
    const pod = (phase: string, told: Record<string, string> = { [labels.server]: 's' }) =>
      object({ name: 'p', labels: told }, { spec: { containers: [], volumes }, status: { phase } });
    const server = 'server default/s event';
    expect(tell('pods', { type: 'deleted', object: pod('Running') })).toEqual([...some, server]);
    expect(tell('pods', { type: 'modified', object: pod('Failed'), old: pod('Running') })).toEqual([
      ...some,
      server,
    ]);
    expect(tell('pods', { type: 'modified', object: pod('Running'), old: pod('Pending') })).toEqual([server]);
    expect(tell('pods', { type: 'deleted', object: pod('Running', {}) })).toEqual([]);
  });

  it('has them looked at under the name of the Model that left a note', () => {
    expect(tell('jobs', { type: 'added', object: note('gone', 'former') })).toEqual([
      'model default/gone event',
    ]);
  });

  it('without a volume has its Models looked at when a StorageClass comes', () => {
    const { namespace: _, ...metadata } = object({ name: 'nfs' }).metadata;
    expect(tell('storageClasses', { type: 'added', object: { metadata } })).toEqual([
      'model default/edited event',
      'model default/one event',
    ]);
  });
});

describe('the caches', () => {
  const started = (namespace: string | undefined) =>
    startCaches({ client: {} as KubeClient, namespace, log: recordLog() }, () => undefined);

  it('hold StorageClasses, nodes and devices where all namespaces are looked after, and not where the right is lacking', () => {
    const [all, one] = [started(undefined), started('ns')];
    for (const kind of ['storageClasses', 'nodes', 'devices'] as const) {
      expect(all[kind]).toBeInstanceOf(Informer);
      expect(one[kind]).toBeUndefined();
    }
  });

  it('work without', () => {
    const { storageClasses: _, nodes: __, devices: ___, ...others } = started('ns');
    const controller = { enqueue: () => undefined };
    expect(() =>
      wire(
        { ...others, storageClasses: undefined, nodes: undefined, devices: undefined },
        { model: controller, server: controller },
      ),
    ).not.toThrow();
  });
});

describe('what belongs to an object', () => {
  const { tell } = setUp();

  it.each<[keyof Caches, Metadata, string]>([
    ['jobs', ownedBy('Model'), 'model default/a'],
    ['claims', ownedBy('Model'), 'model default/a'],
    ['claims', { name: 'kept', labels: { [labels.model]: 'a' } }, 'model default/a'],
    ['deployments', ownedBy('ModelServer'), 'server default/a'],
    ['serviceAccounts', ownedBy('ModelServer'), 'server default/a'],
    ['networkPolicies', ownedBy('ModelServer'), 'server default/a'],
    ['budgets', ownedBy('ModelServer'), 'server default/a'],
    ['services', ownedBy('ModelServer'), 'server default/a'],
    ['pods', { name: 'p', labels: { [labels.model]: 'a' } }, 'model default/a'],
    ['pods', { name: 'p', labels: { [labels.server]: 'a' } }, 'server default/a'],
  ])('has it looked at: one of the %s', (kind, metadata, key) => {
    const [now, old] = [object({ ...metadata, generation: 2 }), object(metadata)];
    expect(tell(kind, { type: 'modified', object: now, old })).toEqual([`${key} event`]);
    expect(tell(kind, { type: 'added', object: now })).toEqual([`${key} event`]);
    expect(tell(kind, { type: 'added', object: now, initial: true })).toEqual([`${key} backlog`]);
    expect(tell(kind, { type: 'deleted', object: now })).toEqual([`${key} event`]);
  });

  it('wakes nobody when it is somebody else’s', () => {
    expect(tell('jobs', { type: 'added', object: object(ownedBy('CronJob')) })).toEqual([]);
    expect(tell('pods', { type: 'added', object: object({}) })).toEqual([]);
  });
});

describe('a leader that is about to start', () => {
  it('sees the pulls that run, asked for until the API server answers', async () => {
    const job = object({ name: 'pull' });
    const asked: unknown[] = [];
    const list = (_kind: unknown, { namespace, labelSelector, fieldSelector }: Record<string, unknown>) => {
      asked.push({ namespace, labelSelector, fieldSelector });
      return asked.length === 1 ? Promise.reject(new Error('not yet')) : Promise.resolve({ items: [job] });
    };
    const observed: unknown[] = [];
    const log = recordLog();
    const client = { list } as unknown as KubeClient;
    const jobs = { observe: (each: unknown) => observed.push(each) } as unknown as Caches['jobs'];
    await seeRunningPulls(
      { jobs },
      { client, namespace: 'ns', log, pause: async () => {} },
      new AbortController().signal,
    );
    expect(observed).toEqual([job]);
    expect(asked).toHaveLength(2);
    expect(asked[1]).toEqual({
      namespace: 'ns',
      labelSelector: 'app.kubernetes.io/managed-by=longshore,longshore.dev/task=pull',
      fieldSelector: 'status.successful=0',
    });
    expect(log.lines).toEqual(['warn: which pulls run could not be listed']);
  });
});
