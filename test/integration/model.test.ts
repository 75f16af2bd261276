import { describe, expect } from 'vitest';
import { Model } from '../../src/api/model.ts';
import { models } from '../../src/controllers/kinds.ts';
import { claimName } from '../../src/controllers/model/storage/claim.ts';
import { events, persistentVolumeClaims, type PersistentVolumeClaim } from '../../src/kube/builtin.ts';
import { controllerOf, type Live } from '../../src/kube/kind.ts';
import { requestVariable } from '../../src/protocols/puller.ts';
import { eventually } from './eventually.ts';
import { downloading, reports, serves } from './fake-kubelet.ts';
import { expectHardened } from './hardening.ts';
import { it } from './it.ts';
import { conditionOf, isReady, isStalled, reasonOf, summary } from './objects.ts';
import { pullerImage } from './operator-process.ts';
import { commit, weights } from './weights.ts';

describe.concurrent('a Model that is applied', () => {
  it('is inspected by a hardened Job first, and gets a claim of the size that was found', async ({
    world,
  }) => {
    const { kubelet, models, claims } = world;
    const { inspection } = weights({ sizeBytes: 1_000_000_000 });
    await world.applyModel('sized');

    const inspect = await kubelet.next({ model: 'sized', task: 'inspect' });
    expectHardened(inspect.spec);
    const [container] = inspect.spec.containers;
    expect(container).toMatchObject({ image: pullerImage, args: ['/app/puller.js', 'inspect'] });
    expect(container?.resources?.limits).toEqual({ memory: '512Mi' });
    expect(inspect.spec.volumes?.map(({ name }) => name)).toEqual(['tmp']);
    const asked = await models.untilOne('sized', (model) => reasonOf(model) === 'Resolving');
    expect(summary(asked)).toBe('False/Resolving True False');
    expect(conditionOf(asked, 'Pulled')).toMatchObject({ status: 'Unknown', reason: 'Pending' });
    expect(claims.made().filter((name) => name.startsWith('sized'))).toEqual([]);

    await inspect.starts();
    await inspect.succeeds({ inspection });
    const resolved = await models.untilOne('sized', ({ status }) => status?.resolved !== undefined);
    expect(resolved.status).toMatchObject({
      resolved: { source: 'hf:owner/name@main', revision: inspection.revision, size: '1.0GB', fileCount: 1 },
      gguf: inspection.gguf,
    });
    const claim = await claims.until('a claim', () =>
      claims.all().find((each) => controllerOf(each)?.uid === resolved.metadata.uid),
    );
    // A tenth more, and 256Mi.
    expect(claim.spec?.resources?.requests).toEqual({ storage: '1306Mi' });
    expect(claim.spec?.accessModes).toEqual(['ReadWriteOnce']);
  });

  it('is pulled in sight of everyone, with figures that never go back, and is Ready', async ({ world }) => {
    const { kubelet, models } = world;
    const { inspection, publication } = weights({ sizeBytes: 1_000_000_000 });
    await world.applyModel('story');
    const inspect = await kubelet.next({ model: 'story', task: 'inspect' });
    await inspect.starts();
    await inspect.succeeds({ inspection });

    const pull = await kubelet.next({ model: 'story', task: 'pull' });
    expectHardened(pull.spec);
    const request = pull.spec.containers[0]?.env?.find(({ name }) => name === requestVariable)?.value ?? '';
    expect(JSON.parse(request)).toMatchObject({ revision: inspection.revision, credentials: false });
    await pull.starts();
    const rate = { bytesPerSecond: 50_000_000, secondsLeft: 18.2 };
    for (const bytes of [100_000_000, 300_000_000]) {
      pull.says(downloading(bytes, 1_000_000_000, rate));
      const shown = await models.untilOne(
        'story',
        ({ status }) => status?.progress?.downloadedBytes === bytes,
      );
      expect(reasonOf(shown)).toBe('Pulling');
    }
    pull.says(downloading(250_000_000, 1_000_000_000, rate));
    await pull.asked(2);
    pull.says(downloading(999_000_000, 1_000_000_000, rate));
    const shown = await models.untilOne('story', ({ status }) => status?.progress?.percent === 99);
    expect(shown.status?.progress).toMatchObject({ text: '99%', rate: '50MB/s', eta: '19s' });
    expect(conditionOf(shown, 'Ready')?.message).toBe('999MB of 1.0GB at 50MB/s, 19s left.');
    pull.says({ phase: 'verifying', downloadedBytes: 1_000_000_000, totalBytes: 1_000_000_000 });
    await models.untilOne('story', (model) => reasonOf(model) === 'Verifying');
    await pull.succeeds({ publication });

    const ready = await models.untilOne('story', isReady);
    expect(summary(ready)).toBe('True/Ready False False');
    const { claimName, claimUid, content: _, ...artifact } = ready.status?.artifact ?? {};
    expect(artifact).toEqual({ ...publication, shortRevision: inspection.revision.slice(0, 12) });
    expect(claimUid).toBe(world.claims.get(claimName ?? '')?.metadata.uid);
    const percents = models.versions('story').map(({ status }) => status?.progress?.percent ?? 0);
    expect(percents).toEqual(percents.toSorted((a, b) => a - b));
    expect(percents.at(-1)).toBe(100);
    expect(world.jobsOf('story').length).toBe(2);
  });

  it('is told of by three writes of its status when it pulls in no time, and by an event of each step', async ({
    world,
  }) => {
    const { client, kubelet, models } = world;
    const { inspection, publication } = weights();
    await world.applyModel('brief');
    const inspect = await kubelet.next({ model: 'brief', task: 'inspect' });
    // An operator that is slower than the pull would have less to tell.
    await models.untilOne('brief', (model) => reasonOf(model) === 'Resolving');
    await inspect.succeeds({ inspection });
    const pull = await kubelet.next({ model: 'brief', task: 'pull' });
    await models.untilOne('brief', (model) => reasonOf(model) === 'Pulling');
    await pull.succeeds({ publication });
    await models.untilOne('brief', isReady);
    const reasons = models.versions('brief').map(reasonOf);
    expect(reasons).toEqual([undefined, 'Resolving', 'Pulling', 'Ready']);
    const told = async (): Promise<(string | undefined)[]> => {
      const { items } = await client.list(events, { namespace: world.namespace });
      const about = items.filter(
        ({ regarding }) => regarding?.kind === 'Model' && regarding.name === 'brief',
      );
      return about.map(({ reason }) => reason);
    };
    await eventually(async () => {
      const reasons = await told();
      expect(reasons).toHaveLength(4);
      expect(new Set(reasons)).toEqual(new Set(['Resolved', 'Pulling', 'Verified', 'Ready']));
    });
  });

  it('has its quarters told of once, and how fast it came', async ({ world }) => {
    const { client, kubelet, models } = world;
    const { inspection, publication } = weights({ sizeBytes: 1_000_000_000 });
    kubelet.plays({ model: 'quarters', task: 'inspect' }, reports({ inspection }));
    await world.applyModel('quarters');
    const pull = await kubelet.next({ model: 'quarters', task: 'pull' });
    await pull.starts();
    for (const percent of [10, 30, 40, 80, 90]) {
      pull.says(downloading(percent * 10_000_000, 1_000_000_000));
      await models.untilOne('quarters', ({ status }) => status?.progress?.percent === percent);
    }
    await pull.succeeds({ publication, transfer: { receivedBytes: 1_000_000_000, seconds: 10 } });
    await models.untilOne('quarters', isReady);
    await eventually(async () => {
      const { items } = await client.list(events, { namespace: world.namespace });
      const told = items.filter(
        ({ regarding }) => regarding?.kind === 'Model' && regarding.name === 'quarters',
      );
      const notes = told.map(({ reason, note }) => `${reason}: ${note}`).toSorted();
      expect(notes).toEqual([
        expect.stringMatching(/^PullProgress: 25%: 300MB of 1\.0GB/),
        expect.stringMatching(/^PullProgress: 75%: 800MB of 1\.0GB/),
        'Pulling: The pull of 1.0GB is starting.',
        expect.stringMatching(/^Ready: Ready in \d+s at 100MB\/s\.$/),
        expect.stringMatching(/^Resolved: hf:owner\/name@main is /),
        expect.stringMatching(/^Verified: 1\.0GB in 1 file, as sha256:/),
      ]);
    });
  });

  it('becomes Ready even when nobody can see the progress, and says that', async ({ world }) => {
    const { inspection, publication } = weights();
    await world.applyModel('unseen');
    const inspect = await world.kubelet.next({ model: 'unseen', task: 'inspect' });
    await inspect.succeeds({ inspection });
    const pull = await world.kubelet.next({ model: 'unseen', task: 'pull' });
    await pull.starts();
    pull.says(undefined);
    const unseen = (message = ''): boolean => message.includes('progress cannot be seen');
    await world.models.untilOne('unseen', (model) => unseen(conditionOf(model, 'Ready')?.message));
    await pull.succeeds({ publication });
    await world.models.untilOne('unseen', isReady);
  });
});

describe.concurrent('a Model whose spec is edited', () => {
  it('says of which generation it speaks, in every condition', async ({ world }) => {
    await world.readyModel('edited');
    await world.applyModel('edited', { puller: { nodeSelector: { disk: 'fast' } } });
    const ready = await world.models.untilOne(
      'edited',
      (model) => model.metadata.generation === 2 && isReady(model),
    );
    expect(
      ready.status?.conditions?.map(({ type, observedGeneration }) => [type, observedGeneration]),
    ).toEqual(
      ['Resolved', 'StorageReady', 'Pulled', 'Ready', 'Reconciling', 'Stalled'].map((type) => [type, 2]),
    );
    // How a pull is to run is no reason for another.
    expect(world.jobsOf('edited').length).toBe(2);
    for (const { metadata, status } of world.models.versions('edited')) {
      const behind = status?.conditions?.map(({ observedGeneration = 0 }) => observedGeneration) ?? [];
      expect(Math.max(0, ...behind)).toBeLessThanOrEqual(metadata.generation);
      expect(new Set([...behind, status?.observedGeneration]).size).toBe(1);
    }
  });

  it('keeps what it published until the new revision is published, then clears the old one away', async ({
    world,
  }) => {
    const { kubelet, models, claims, jobs, servers } = world;
    const { inspection, publication } = weights({ revision: commit('second') });
    const first = await world.readyModel('moved');
    const oldClaim = first.status?.artifact?.claimName ?? '';
    const oldJobs = world.jobsOf('moved');
    kubelet.always({ server: 'moved' }, serves);
    await world.applyServer('moved', { model: 'moved' });
    await servers.untilOne('moved', isReady);

    await world.applyModel('moved', { revision: 'v2' });
    const inspect = await kubelet.next({ model: 'moved', task: 'inspect' });
    await inspect.succeeds({ inspection });
    const pull = await kubelet.next({ model: 'moved', task: 'pull' });
    await pull.starts();
    pull.says(downloading(1_000_000_000, publication.sizeBytes));
    const pulling = await models.untilOne('moved', ({ status }) => status?.progress?.percent === 21);
    expect(pulling.status?.artifact).toEqual(first.status?.artifact);
    expect(pulling.status?.storage?.claimName).not.toBe(oldClaim);
    expect(claims.get(oldClaim)).toBeDefined();
    expect(servers.get('moved')?.status?.model?.revision).toBe(first.status?.artifact?.revision);

    await pull.succeeds({ publication });
    const second = await models.untilOne(
      'moved',
      (model) => model.metadata.generation === 2 && isReady(model),
    );
    expect(second.status?.artifact).toMatchObject(publication);
    await claims.untilGone(oldClaim);
    for (const job of oldJobs) await jobs.untilGone(job);
    // The claim was there for as long as the server was said to use it.
    const left = servers
      .versions('moved')
      .find(({ status }) => status?.model?.claimName !== oldClaim && status?.model);
    const gone = claims.changes.find(
      ({ type, object }) => type === 'DELETED' && object.metadata.name === oldClaim,
    );
    expect(BigInt(gone?.object.metadata.resourceVersion ?? 0)).toBeGreaterThan(
      BigInt(left?.metadata.resourceVersion ?? 0),
    );
  });

  it('ends the pull that a new one replaces, and shows the progress of the new one', async ({ world }) => {
    const { kubelet, models } = world;
    const sizeBytes = 1_000_000_000;
    const reported = [weights({ sizeBytes }), weights({ sizeBytes, revision: commit('second') })];
    kubelet.plays(
      { model: 'replaced', task: 'inspect' },
      ...reported.map(({ inspection }) => reports({ inspection })),
    );
    await world.applyModel('replaced');
    const old = await kubelet.next({ model: 'replaced', task: 'pull' });
    await old.starts();
    old.says(downloading(900_000_000, sizeBytes));
    await models.untilOne('replaced', ({ status }) => status?.progress?.percent === 90);

    await world.applyModel('replaced', { revision: 'v2' });
    const pull = await kubelet.next({ model: 'replaced', task: 'pull' });
    await world.jobs.untilGone(world.jobsOf('replaced', 'pull')[0] ?? '');
    await pull.starts();
    pull.says(downloading(100_000_000, sizeBytes));
    await models.untilOne('replaced', ({ status }) => status?.progress?.percent === 10);
    await pull.succeeds({ publication: weights({ sizeBytes, revision: commit('second') }).publication });
    await models.untilOne('replaced', isReady);
    const second = models.versions('replaced').filter(({ status }) => status?.observedGeneration === 2);
    const atLeast = second.findIndex(({ status }) => status?.progress?.percent === 0);
    expect(second.slice(atLeast).map(({ status }) => status?.progress?.percent)).not.toContain(90);
  });
});

describe.concurrent('what a Model owns', () => {
  it('goes with the Model', async ({ world }) => {
    const { status } = await world.readyModel('deleted');
    await world.client.delete(...world.modelRef('deleted'));
    await world.models.untilGone('deleted');
    await world.claims.untilGone(status?.artifact?.claimName ?? '');
    for (const job of world.jobsOf('deleted')) await world.jobs.untilGone(job);
    await world.pods.until('no pod is left', () =>
      world.pods.all().every((pod) => !pod.metadata.name.startsWith('deleted-')),
    );
  });

  it('is made again: a claim that somebody deletes is pulled again', async ({ world }) => {
    const { kubelet, models, claims } = world;
    const first = await world.readyModel('emptied');
    const { claimName = '', claimUid } = first.status?.artifact ?? {};
    const { publication } = weights();
    await world.client.delete(persistentVolumeClaims, world.ref(claimName));
    const lost = await models.untilOne('emptied', ({ status }) => status?.artifact === undefined);
    expect(conditionOf(lost, 'Ready')?.status).toBe('False');

    const pull = await kubelet.next({ model: 'emptied', task: 'pull' });
    await pull.starts();
    await models.untilOne('emptied', ({ status }) => status?.progress?.percent === 0);
    await pull.succeeds({ publication });
    const again = await models.untilOne('emptied', isReady);
    expect(again.status?.artifact?.claimName).toBe(claimName);
    expect(again.status?.artifact?.claimUid).not.toBe(claimUid);
    expect(claims.made().filter((name) => name === claimName).length).toBe(2);
    expect(world.jobsOf('emptied', 'inspect').length).toBe(1);
  });

  it('is no claim that is too small: the size that is needed is said instead', async ({ world }) => {
    const content = weights({ sizeBytes: 4_700_000_000 });
    world.kubelet.provides('cramped', content);
    await world.applyModel('cramped', { storage: { size: '4Gi' } });
    const stalled = await world.models.untilOne('cramped', isStalled);
    expect(summary(stalled)).toBe('False/InsufficientStorage False True');
    expect(conditionOf(stalled, 'StorageReady')?.message).toBe(
      'spec.storage.size is 4Gi and the files take 4.7GB (4700000000 bytes): set at least 5187Mi, or leave it out.',
    );
    expect(world.claims.made().filter((name) => name.startsWith('cramped'))).toEqual([]);

    await world.applyModel('cramped', { storage: { size: '10Gi' } });
    const ready = await world.models.untilOne('cramped', isReady);
    const claim = world.claims.get(ready.status?.artifact?.claimName ?? '');
    expect(claim?.spec?.resources?.requests).toEqual({ storage: '10Gi' });
  });

  it('is put right when somebody changes it', async ({ world }) => {
    const storage = { labels: { team: 'search' } };
    const { status, metadata } = await world.readyModel('mended', weights(), { storage });
    const { client, claims } = world;
    const name = status?.artifact?.claimName ?? '';
    const isRight = (claim: Live<PersistentVolumeClaim>): boolean =>
      controllerOf(claim)?.uid === metadata.uid &&
      claim.metadata.labels?.['longshore.dev/content'] ===
        before?.metadata.labels?.['longshore.dev/content'] &&
      claim.metadata.labels?.['longshore.dev/model'] === 'mended' &&
      claim.metadata.labels['team'] === 'search';
    const before = claims.get(name);
    expect(before).toSatisfy(isRight);
    for (const change of [
      { ownerReferences: null },
      { labels: { team: 'sales', 'longshore.dev/content': 'other' } },
      { labels: { team: null, 'longshore.dev/model': null } },
      { labels: { 'longshore.dev/model-uid': 'other' } },
    ]) {
      const { resourceVersion } = (
        await client.patch(persistentVolumeClaims, world.ref(name), { metadata: change })
      ).metadata;
      const after = await claims.untilOne(
        name,
        (claim) => BigInt(claim.metadata.resourceVersion) > BigInt(resourceVersion) && isRight(claim),
      );
      expect(after.metadata.uid).toBe(before?.metadata.uid);
    }
    const { artifact } = (await world.models.untilOne('mended', isReady)).status ?? {};
    expect(artifact).toEqual(status?.artifact);
    expect(world.jobsOf('mended')).toHaveLength(2);
  });

  it('tells a status that somebody has cleared again: nothing is asked or pulled for it', async ({
    world,
  }) => {
    const first = await world.readyModel('cleared');
    const [kind, ref] = world.modelRef('cleared');
    // As `kubectl patch --subresource=status` does it.
    await world.client.applyStatus<Model>(
      models,
      { metadata: ref, status: {} },
      { fieldManager: 'longshore' },
    );
    await world.models.untilOne('cleared', ({ status }) => status?.artifact === undefined);
    const again = await world.models.untilOne('cleared', isReady);
    expect(again.status?.artifact).toEqual(first.status?.artifact);
    expect(world.jobsOf('cleared')).toHaveLength(2);
    await world.client.delete(kind, ref);
  });

  it('is a claim that grows and does not shrink', async ({ world }) => {
    await world.readyModel('sized-once', weights(), { storage: { size: '10Gi' } });
    const refused = world.applyModel('sized-once', { storage: { size: '9Gi' } });
    await expect(refused).rejects.toThrow(/spec.storage.size: a volume can grow and not shrink/);
    await world.applyModel('sized-once', { storage: { size: '10240Mi' } });
    await world.applyModel('sized-once', { storage: { size: '11Gi' } });
    await world.applyModel('sized-once');
    await world.models.untilOne(
      'sized-once',
      (model) => isReady(model) && model.spec.storage.size === undefined,
    );
    // Of one without a claim nothing has been made yet.
    await world.applyModel('sized-yet', { storage: { size: '10Gi' } });
    await world.kubelet.next({ model: 'sized-yet', task: 'inspect' });
    await world.applyModel('sized-yet', { storage: { size: '9Gi' } });
  });

  it('has names within the limits, and labels, for a name as long as may be', async ({ world }) => {
    const name = `m${'x'.repeat(39)}`;
    const { status } = await world.readyModel(name);
    const made = [
      ...world.jobs.all().filter(({ metadata }) => metadata.name.startsWith(name)),
      world.claims.get(status?.artifact?.claimName ?? ''),
    ];
    expect(made).toHaveLength(3);
    for (const object of made) expect(object?.metadata.name.length).toBeLessThanOrEqual(63);
    world.kubelet.always({ server: name }, serves);
    await world.applyServer(name, { model: name, gpu: { count: 0 } });
    await world.servers.untilOne(name, isReady);
  });

  it('is never what another object owns: the name that is taken is said', async ({ world }) => {
    const { inspection } = weights();
    await world.applyModel('taken');
    const inspect = await world.kubelet.next({ model: 'taken', task: 'inspect' });
    const resolving = await world.models.untilOne('taken', (model) => reasonOf(model) === 'Resolving');
    const { spec: asParsed } = Model.parse(resolving);
    const name = claimName(
      { ...resolving, spec: asParsed },
      { ...inspection, source: '', size: '', request: '' },
    );
    const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
    await world.client.create(persistentVolumeClaims, { metadata: world.ref(name), spec });
    await inspect.succeeds({ inspection });
    const stalled = await world.models.untilOne('taken', isStalled);
    expect(reasonOf(stalled)).toBe('NameTaken');
    expect(conditionOf(stalled, 'Ready')?.message).toContain(`PersistentVolumeClaim named "${name}"`);
    expect(world.claims.get(name)?.metadata).not.toHaveProperty('ownerReferences');
    expect(world.claims.get(name)?.spec?.resources?.requests).toEqual({ storage: '1Gi' });
  });
});
