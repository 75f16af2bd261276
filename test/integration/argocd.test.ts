import { describe, expect, inject, it as alone } from 'vitest';
import { parse } from 'yaml';
import { apiVersion } from '../../src/api/kubernetes.ts';
import type { Reason } from '../../src/api/reasons.ts';
import { rollAtAnnotation } from '../../src/controllers/labels.ts';
import { readRecord } from '../../src/controllers/modelserver/rollout/record.ts';
import type { ConditionedStatus } from '../../src/controllers/step.ts';
import { aPodFrom, aRollingView, carriedOut, tooLate } from '../../src/controllers/testing/rollouts.ts';
import { findCondition } from '../../src/kube/conditions.ts';
import type { KubeObject } from '../../src/kube/kind.ts';
import { cases, type Case } from '../../src/operator/testing/reason-cases.ts';
import { aServerThat, type Told } from '../../src/operator/testing/stands.ts';
import { actionsOn, afterAction, healthOf, type Health } from '../argocd/argocd.ts';
import { renderChart } from './chart.ts';
import { it } from './it.ts';
import { isReady, modelsAsWritten, reasonOf, type ModelAsWritten } from './objects.ts';

const argocd = inject('argocd');

/** What Argo CD shows of an object whose Ready has this reason; of some it depends on what else there is to say. */
const healthBy: Record<Reason, Health['status'] | 'Degraded or Progressing' | 'never the reason of Ready'> = {
  Ready: 'Healthy',
  ScaledToZero: 'Healthy',
  Suspended: 'Suspended',

  Resolving: 'Progressing',
  WaitingForVolume: 'Progressing',
  Resizing: 'Progressing',
  Queued: 'Progressing',
  Pulling: 'Progressing',
  Verifying: 'Progressing',
  ModelNotReady: 'Progressing',
  Starting: 'Progressing',
  Loading: 'Progressing',
  RollingOut: 'Progressing',
  // These may pass by themselves.
  NodeLost: 'Progressing',
  Evicted: 'Progressing',
  QuotaExceeded: 'Progressing',
  ChecksumMismatch: 'Progressing',
  SourceUnreachable: 'Progressing',
  RateLimited: 'Progressing',
  PullerFailed: 'Progressing',
  DeadlineExceeded: 'Progressing',
  Unschedulable: 'Progressing',
  NoNodeFits: 'Progressing',
  VolumeOutOfReach: 'Progressing',
  MountFailed: 'Progressing',
  PodCannotStart: 'Progressing',
  Crashed: 'Progressing',
  ImagePullFailed: 'Progressing',
  // Only a claim that one pod may use keeps a server from ever being whole.
  VolumeNotShared: 'Degraded or Progressing',

  RepoNotFound: 'Degraded',
  RevisionNotFound: 'Degraded',
  FileNotFound: 'Degraded',
  QuantizationNotFound: 'Degraded',
  NoModelFile: 'Degraded',
  AmbiguousFiles: 'Degraded',
  NotGGUF: 'Degraded',
  TruncatedGGUF: 'Degraded',
  UnsupportedModel: 'Degraded',
  XetOnly: 'Degraded',
  SizeUnknown: 'Degraded',
  GatedRepo: 'Degraded',
  Unauthorized: 'Degraded',
  CredentialsNotFound: 'Degraded',
  CredentialsForAnotherHost: 'Degraded',
  CABundleNotFound: 'Degraded',
  CertificateNotTrusted: 'Degraded',
  ProxyRefused: 'Degraded',
  InsufficientStorage: 'Degraded',
  StorageClassNotFound: 'Degraded',
  ExpansionNotSupported: 'Degraded',
  VolumeReadOnly: 'Degraded',
  VolumeNotReadable: 'Degraded',
  VolumeLost: 'Degraded',
  ClaimNotFound: 'Degraded',
  ClaimTerminating: 'Degraded',
  ClaimOfModel: 'Degraded',
  // Of a Model that is being deleted; Argo CD says Progressing of it and does not ask.
  InUse: 'Degraded',
  ModelNotFound: 'Degraded',
  ModelTerminating: 'Degraded',
  NotServable: 'Degraded',
  IncompatibleAdapter: 'Degraded',
  IncompatibleDraft: 'Degraded',
  LoadFailed: 'Degraded',
  InsufficientMemory: 'Degraded',
  InsufficientGPUMemory: 'Degraded',
  GPUNotUsable: 'Degraded',
  ApiKeysNotFound: 'Degraded',
  RolledBack: 'Degraded',
  NameTaken: 'Degraded',
  WriteRefused: 'Degraded',

  Succeeded: 'never the reason of Ready',
  Pending: 'never the reason of Ready',
  Surging: 'never the reason of Ready',
  Draining: 'never the reason of Ready',
  RuntimeOutdated: 'never the reason of Ready',
  NoPodAnswers: 'never the reason of Ready',
  TemplateNotSupported: 'never the reason of Ready',
  // Of events alone.
  Resolved: 'never the reason of Ready',
  RevisionChanged: 'never the reason of Ready',
  PullProgress: 'never the reason of Ready',
  Verified: 'never the reason of Ready',
  Collected: 'never the reason of Ready',
  InvalidObject: 'never the reason of Ready',
};

const objectOf = (kind: string | undefined, status: ConditionedStatus, spec: object = {}): KubeObject =>
  ({ apiVersion, kind, metadata: { name: 'x', generation: 1 }, spec, status }) as KubeObject;

/** A server whose rollout was taken back, and whose pods of before all answer again. */
function rolledBack(): ConditionedStatus {
  const back = carriedOut(aRollingView({}, tooLate));
  const pods = [aPodFrom(readRecord(back.deployment)?.built, 'p', { ready: true })];
  return aServerThat({ ...back, pods }).status ?? {};
}

/** Objects as the operator's decisions leave them, wherever each reason comes about in a status. */
async function everyStanding(): Promise<{ object: KubeObject; reason: Reason; message: string }[]> {
  const all = Object.values(cases).flatMap((places) => Object.values(places as Record<string, Case>));
  const told: Told[] = [{ lines: [], kind: 'ModelServer', status: rolledBack() }];
  for (const bring of all) told.push(await bring());
  return told.flatMap(({ kind, status }) => {
    if (!status) return [];
    const { reason, message } = findCondition(status.conditions, 'Ready')!;
    return [{ object: objectOf(kind, status), reason: reason as Reason, message }];
  });
}

describe('the health in Argo CD', () => {
  alone('is what the table has, for every reason that there is', async () => {
    const standings = await everyStanding();
    const healths = await healthOf(
      argocd,
      standings.map(({ object }) => object),
    );
    const seen = new Map<string, Set<string>>();
    standings.forEach(({ reason, message }, place) => {
      seen.set(reason, (seen.get(reason) ?? new Set()).add(healths[place]!.status));
      expect(healths[place]?.message).toBe(`${reason}: ${message}`);
    });
    const byReason = (reason: string) =>
      [...(seen.get(reason) ?? ['never the reason of Ready'])].toSorted().join(' or ');
    expect(Object.fromEntries(Object.keys(healthBy).map((reason) => [reason, byReason(reason)]))).toEqual(
      healthBy,
    );
  });

  alone('is Progressing until the operator has looked at the spec', async () => {
    const ready = (await everyStanding()).find(({ reason }) => reason === 'Ready');
    const edited = { ...ready!.object, metadata: { name: 'x', generation: 2 } };
    const fresh = { apiVersion, kind: 'Model', metadata: { name: 'x', generation: 1 }, spec: {} };
    const without = objectOf('Model', { observedGeneration: 1 });
    for (const health of await healthOf(argocd, [edited, fresh, without])) {
      expect(health).toEqual({
        status: 'Progressing',
        message: 'The operator has not looked at this spec yet.',
      });
    }
  });

  alone('is Healthy of a suspended Model that has published something, so that no sync waits', async () => {
    const ready = (await everyStanding()).find(({ reason }) => reason === 'Ready');
    const [health] = await healthOf(argocd, [{ ...ready!.object, spec: { suspend: true } } as KubeObject]);
    expect(health?.status).toBe('Healthy');
  });
});

describe.concurrent('an action of Argo CD', () => {
  it('suspends a Model, resumes it, and has its source asked', async ({ world }) => {
    const { client, kubelet, models } = world;
    await world.readyModel('acted');
    /** Argo CD sends what differs. */
    const act = async (action: string): Promise<void> => {
      const object = models.get('acted')!;
      expect(await actionsOn(argocd, object)).toContain(action);
      const changed = (await afterAction(argocd, action, object)) as ModelAsWritten;
      const { annotations } = changed.metadata ?? {};
      const patch = { metadata: { annotations }, spec: { suspend: changed.spec.suspend } };
      await client.patch(modelsAsWritten, world.ref('acted'), patch);
    };
    await act('suspend');
    const suspended = await models.untilOne('acted', ({ spec }) => spec.suspend);
    expect(await actionsOn(argocd, suspended)).toEqual(['resume']);
    await act('resume');
    await models.untilOne('acted', (model) => !model.spec.suspend && isReady(model));
    await act('refresh');
    await kubelet.next({ model: 'acted', task: 'inspect' });
  });

  it('rolls a server that was rolled back, and no other', async ({ world }) => {
    expect(await actionsOn(argocd, objectOf('ModelServer', rolledBack()))).toEqual(['roll']);
    await world.applyServer('idle', { model: 'not-there' });
    const idle = await world.servers.untilOne('idle', (server) => reasonOf(server) === 'ModelNotFound');
    expect(await actionsOn(argocd, idle)).toEqual([]);
    const { metadata } = await afterAction(argocd, 'roll', idle);
    expect(metadata?.annotations?.[rollAtAnnotation]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  });
});

describe('the chart', () => {
  alone('has what belongs into argocd-cm when it is asked for', async () => {
    expect((await renderChart({})).filter(({ kind }) => kind === 'ConfigMap')).toEqual([]);
    await expect(renderChart({ argocd: { enable: true } })).rejects.toThrow(/enable/);
    const rendered = await renderChart({ argocd: { enabled: true } });
    const map = rendered.find(({ kind }) => kind === 'ConfigMap') as KubeObject & {
      data: Record<string, string>;
    };
    expect(map.metadata?.name).toBe('longshore-argocd');
    const key = (what: string, kind: string) => `resource.customizations.${what}.longshore.dev_${kind}`;
    const { data } = map;
    expect(Object.keys(data).toSorted()).toEqual([
      key('actions', 'Model'),
      key('actions', 'ModelServer'),
      key('health', 'Model'),
      key('health', 'ModelServer'),
    ]);
    expect(data[key('health', 'ModelServer')]).toBe(data[key('health', 'Model')]);
    expect(data[key('health', 'Model')]).toContain('return hs');
    const actionsOf = (kind: string) =>
      parse(data[key('actions', kind)] ?? '') as {
        'discovery.lua': string;
        definitions: { name: string; 'action.lua': string }[];
      };
    for (const [kind, names] of [
      ['Model', ['refresh', 'resume', 'suspend']],
      ['ModelServer', ['roll']],
    ] as const) {
      const { 'discovery.lua': discovery, definitions } = actionsOf(kind);
      expect(discovery).toContain('return actions');
      expect(definitions.map(({ name }) => name)).toEqual(names);
      for (const definition of definitions) expect(definition['action.lua']).toContain('return obj');
    }
  });
});
