import type { reasons, Reason } from '../../api/reasons.ts';
import { managedBy } from '../../controllers/labels.ts';
import { stepsWhileKept } from '../../controllers/model/deletion.ts';
import { contentOf } from '../../controllers/model/source/content.ts';
import { questionOf } from '../../controllers/model/source/question.ts';
import * as model from '../../controllers/model/reconcile.ts';
import { inspectRequest } from '../../controllers/model/view.ts';
import { decide } from '../../controllers/step.ts';
import {
  aClaim,
  aJob,
  aModel,
  anArtifact,
  aPodOf,
  aServer,
  aStorageClass,
  aView,
  downloading,
  now,
  secondsAgo,
} from '../../controllers/testing/objects.ts';
import {
  aGpuNode,
  aServerPod,
  containerThat,
  ended,
  waitsFor,
  whole,
  withoutNode,
  aWeightsClaim,
} from '../../controllers/testing/servers.ts';
import { aRollingView, aServedView, carriedOut, tooLate } from '../../controllers/testing/rollouts.ts';
import {
  aModelThat,
  aServerThat,
  claim,
  collection,
  deployed,
  fromPuller,
  growthRefused,
  inspectionRefused,
  inspectionThat,
  invalid,
  leftover,
  loadThat,
  modelEvents,
  modelOn,
  noRoom,
  partThat,
  onNamedClaim,
  published,
  pulling,
  pullOn,
  pullRefused,
  pullThat,
  refusal,
  resolved,
  serverEvents,
  serverOn,
  outdated,
  serving,
  theirs,
  eventsOf,
  withClaim,
  withoutRoom,
  type Told,
} from './stands.ts';

/** A claim of this class whose volume the files do not fit in, and which asks for so much. */
const tooSmall = (storageClassName: string, storage: string) => ({
  spec: { accessModes: ['ReadWriteOnce'], storageClassName, resources: { requests: { storage } } },
  status: { phase: 'Bound', capacity: { storage: '500' } },
});

/** A Deployment whose pods the API server refuses. */
const refusing = (message: string) => ({
  conditions: [{ type: 'ReplicaFailure', status: 'True', message }],
});
/** A pod that has a node and does not run yet. */
const scheduled = { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'True' }] };

/** A pod whose kubelet says this of its volumes. */
const mountThat = (words: string) =>
  deployed([aServerPod('p', scheduled)], {}, { mountFailures: new Map([['uid-of-p', words]]) });

export type Case = () => Told | Promise<Told>;

/** How each reason comes about in each place that the table names. One without a case does not compile. */
export const cases: { [R in Reason]: Record<(typeof reasons)[R]['where'][number], Case> } = {
  Resolving: { 'Model Resolved': () => aModelThat() },
  WaitingForVolume: { 'Model StorageReady': () => aModelThat({}, { resolved }) },
  Queued: {
    'Model Pulled': () => {
      const turn = {
        at: 'later',
        since: secondsAgo(9),
        place: 1,
        scope: 'cluster',
        taken: 1,
        allowed: 1,
      } as const;
      return aModelThat({ claims: [claim], turn }, { resolved });
    },
  },
  Pulling: { 'Model Pulled': () => pulling('downloading') },
  Verifying: { 'Model Pulled': () => pulling('verifying') },
  Ready: { 'Model Ready': published, 'ModelServer Ready': () => serving() },
  Succeeded: {
    'Model Resolved': published,
    'Model StorageReady': published,
    'Model Pulled': published,
    'ModelServer ModelReady': () => serving(),
    'ModelServer Scheduled': () => serving(),
    'ModelServer Loaded': () => serving(),
    'ModelServer Available': () => serving(),
    'ModelServer ChatTemplateHonored': () => serving(),
    'ModelServer RolledOut': () => serving(),
    'ModelServer RuntimeCurrent': () => serving(),
  },
  RevisionChanged: {
    'Model event': () => {
      const following = aModel({ update: { policy: 'OnChange' } });
      const since = { ...resolved, request: inspectRequest(following), checkedAt: secondsAgo(7200) };
      const artifact = anArtifact({ content: contentOf(following, since) });
      const ask = questionOf(following, since);
      const job = aJob({ request: ask, ended: { type: 'Complete', secondsAgo: 0 } });
      const inspection = { revision: 'f'.repeat(40), sizeBytes: 1000, fileCount: 1, gguf: {} };
      const { events } = decide(
        model.steps,
        aView({ model: following, jobs: [job], pods: [aPodOf(job, { inspection })] }),
        { status: { resolved: since, artifact }, generation: 1, now },
      );
      return eventsOf('Model', events);
    },
  },
  Pending: {
    'Model Resolved': () => onNamedClaim({}),
    'Model StorageReady': () => aModelThat(),
    'Model Pulled': () => aModelThat(),
    'ModelServer Scheduled': () => aServerThat({ model: undefined }),
    'ModelServer Loaded': () => aServerThat({ model: undefined }),
    'ModelServer RolledOut': () => aServerThat({ model: undefined }),
    'ModelServer ChatTemplateHonored': () => outdated(),
  },
  Suspended: {
    'Model Resolved': () => aModelThat({ model: aModel({ suspend: true }) }),
    'Model Pulled': () => aModelThat({ model: aModel({ suspend: true }), claims: [claim] }, { resolved }),
  },
  RepoNotFound: fromPuller('RepoNotFound'),
  RevisionNotFound: fromPuller('RevisionNotFound'),
  FileNotFound: fromPuller('FileNotFound'),
  QuantizationNotFound: fromPuller('QuantizationNotFound'),
  NoModelFile: fromPuller('NoModelFile'),
  AmbiguousFiles: fromPuller('AmbiguousFiles'),
  NotGGUF: fromPuller('NotGGUF'),
  TruncatedGGUF: fromPuller('TruncatedGGUF'),
  UnsupportedModel: fromPuller('UnsupportedModel'),
  XetOnly: fromPuller('XetOnly'),
  SizeUnknown: fromPuller('SizeUnknown'),
  GatedRepo: fromPuller('GatedRepo'),
  Unauthorized: fromPuller('Unauthorized'),
  CredentialsNotFound: fromPuller('CredentialsNotFound'),
  CredentialsForAnotherHost: fromPuller('CredentialsForAnotherHost'),
  CABundleNotFound: fromPuller('CABundleNotFound'),
  CertificateNotTrusted: fromPuller('CertificateNotTrusted'),
  ProxyRefused: fromPuller('ProxyRefused'),
  ChecksumMismatch: fromPuller('ChecksumMismatch'),
  VolumeNotReadable: fromPuller('VolumeNotReadable'),
  SourceUnreachable: fromPuller('SourceUnreachable'),
  RateLimited: fromPuller('RateLimited'),
  InsufficientStorage: {
    'Model StorageReady': () => aModelThat({ model: aModel({ storage: { size: '1' } }) }, { resolved }),
    'Model Pulled': () => pullThat('InsufficientStorage'),
  },
  StorageClassNotFound: {
    'Model StorageReady': () =>
      withClaim(
        { metadata: { creationTimestamp: secondsAgo(60) }, spec: { storageClassName: 'gone' } },
        { storageClasses: [aStorageClass('standard')] },
      ),
  },
  ExpansionNotSupported: {
    'Model StorageReady': () =>
      withClaim(tooSmall('fixed', '500'), { storageClasses: [aStorageClass('fixed')] }),
  },
  Resizing: {
    'Model StorageReady': () =>
      withClaim(tooSmall('growing', '300Mi'), {
        storageClasses: [aStorageClass('growing', { allowVolumeExpansion: true })],
      }),
  },
  VolumeReadOnly: {
    'Model StorageReady': () =>
      onNamedClaim({ otherClaims: [aClaim('shared', { spec: { accessModes: ['ReadOnlyMany'] } })] }),
    'Model Pulled': () => pullThat('VolumeReadOnly'),
  },
  VolumeLost: { 'Model StorageReady': () => withClaim({ status: { phase: 'Lost' } }) },
  ClaimNotFound: { 'Model StorageReady': () => onNamedClaim({}) },
  ClaimTerminating: {
    'Model StorageReady': () =>
      onNamedClaim({ otherClaims: [aClaim('shared', { metadata: { deletionTimestamp: secondsAgo(1) } })] }),
  },
  ClaimOfModel: {
    'Model StorageReady': () =>
      onNamedClaim({ otherClaims: [aClaim('shared', { metadata: { labels: managedBy } })] }),
  },
  PullerFailed: {
    'Model Resolved': () => inspectionThat(undefined),
    'Model Pulled': () => pullThat(undefined),
    'PersistentVolumeClaim event': () => leftover({ jobs: [collection('Failed')] }),
  },
  DeadlineExceeded: {
    'Model Resolved': () => inspectionThat(undefined, 'DeadlineExceeded'),
    'Model Pulled': () => pullThat(undefined, 'DeadlineExceeded'),
    'PersistentVolumeClaim event': () => leftover({ jobs: [collection('Failed', 'DeadlineExceeded')] }),
  },
  Collected: {
    'PersistentVolumeClaim event': () => {
      const done = collection('Complete');
      const report = { collection: { freedBytes: 1, removedBlobs: 1, keptBlobs: 0 } };
      return leftover({ jobs: [done], pods: [aPodOf(done, report)] });
    },
  },
  InUse: {
    'Model Ready': () => aModelThat({ servers: [aServer()] }, {}, stepsWhileKept),
    'PersistentVolumeClaim event': () => leftover({ usersOf: () => ['chat'] }),
  },
  ModelNotFound: { 'ModelServer ModelReady': () => aServerThat({ model: undefined }) },
  ModelNotReady: { 'ModelServer ModelReady': () => aServerThat({ model: aModel() }) },
  ModelTerminating: {
    'ModelServer ModelReady': () => {
      const going = aModel({}, { artifact: anArtifact() });
      const metadata = { ...going.metadata, deletionTimestamp: secondsAgo(1) };
      return aServerThat({ model: { ...going, metadata } });
    },
  },
  NotServable: {
    'ModelServer ModelReady': () =>
      aServerThat({ model: aModel({}, { artifact: anArtifact({ files: [] }) }) }),
  },
  IncompatibleAdapter: {
    'ModelServer ModelReady': () => partThat('Adapter', { architecture: 'gemma3' }),
    'ModelServer Loaded': () => loadThat('IncompatibleAdapter'),
  },
  IncompatibleDraft: {
    'ModelServer ModelReady': () => partThat('Draft', { tokenizer: 'gpt2' }),
    'ModelServer Loaded': () => loadThat('IncompatibleDraft'),
  },
  Starting: {
    'ModelServer Scheduled': () => aServerThat(),
    'ModelServer Loaded': () => deployed([aServerPod('p', scheduled)]),
    'ModelServer Ready': () => deployed([aServerPod('p', { ready: true })]),
  },
  Loading: { 'ModelServer Loaded': () => deployed([aServerPod('p')]) },
  RollingOut: {
    'ModelServer Loaded': () =>
      deployed([aServerPod('p', { ready: true }), aServerPod('old', { of: 'old' })], whole, {
        server: aServer({ replicas: 2 }),
      }),
    'ModelServer RolledOut': () => aServerThat(),
    'ModelServer Ready': () => deployed([aServerPod('p', { ready: true })], { ...whole, replicas: 2 }),
  },
  Surging: { 'ModelServer RolledOut': () => aServerThat(aRollingView()) },
  Draining: {
    'ModelServer RolledOut': () => aServerThat(aRollingView({ rollout: { strategy: 'Drain' } })),
    'ModelServer event': () => serverEvents(withoutRoom()),
  },
  RolledBack: {
    'ModelServer RolledOut': () => aServerThat(aRollingView({}, tooLate)),
    'ModelServer RuntimeCurrent': () =>
      aServerThat(carriedOut({ ...aServedView({ gpu: { count: 0 } }), image: 'runtime:2' }, tooLate)),
    'ModelServer event': () => serverEvents(aRollingView({}, tooLate)),
  },
  RuntimeOutdated: {
    'ModelServer RuntimeCurrent': () => aServerThat({ ...aServedView(), image: 'runtime:2' }),
  },
  NoPodAnswers: { 'ModelServer Available': () => aServerThat() },
  ScaledToZero: {
    'ModelServer Available': () => deployed([], {}, { server: aServer({ replicas: 0 }) }),
    'ModelServer Ready': () => deployed([], {}, { server: aServer({ replicas: 0 }) }),
  },
  NoNodeFits: {
    'ModelServer Scheduled': () => {
      const memory = { weightsBytes: 24 * 2 ** 30, kvBytesPerToken: { f16: 1 } };
      const large = aModel({}, { artifact: anArtifact(), memory });
      return deployed([aServerPod('p', { phase: 'Pending' })], {}, { model: large, nodes: [aGpuNode('n')] });
    },
  },
  VolumeOutOfReach: {
    'ModelServer Scheduled': () =>
      deployed([
        aServerPod('p', withoutNode('0/1 nodes are available: 1 node(s) had volume node affinity conflict.')),
      ]),
  },
  VolumeNotShared: {
    'ModelServer Scheduled': () =>
      deployed(
        [],
        {},
        {
          server: aServer({ replicas: 2 }),
          claims: [aWeightsClaim('c', ['ReadWriteOncePod'])],
        },
      ),
    'ModelServer Loaded': () => mountThat('Multi-Attach error for volume "pv"'),
  },
  MountFailed: { 'ModelServer Loaded': () => mountThat('MountVolume.SetUp failed') },
  PodCannotStart: {
    'ModelServer Loaded': () => deployed([aServerPod('p', waitsFor('CreateContainerConfigError'))]),
  },
  Crashed: { 'ModelServer Loaded': () => deployed([aServerPod('p', ended({ exitCode: 139 }))]) },
  Unschedulable: { 'ModelServer Scheduled': () => deployed([aServerPod('p', withoutNode('0/3'))]) },
  ImagePullFailed: { 'ModelServer Loaded': () => deployed([aServerPod('p', waitsFor('ErrImagePull'))]) },
  LoadFailed: { 'ModelServer Loaded': () => loadThat('LoadFailed') },
  InsufficientMemory: { 'ModelServer Loaded': () => loadThat('InsufficientMemory') },
  InsufficientGPUMemory: { 'ModelServer Loaded': () => loadThat('InsufficientGPUMemory') },
  GPUNotUsable: { 'ModelServer Loaded': () => loadThat('GPUNotUsable') },
  ApiKeysNotFound: { 'ModelServer Loaded': () => loadThat('ApiKeysNotFound') },
  TemplateNotSupported: {
    'ModelServer ChatTemplateHonored': () => serving({ description: 'By the file.', problem: 'No `range`.' }),
  },
  NameTaken: {
    'Model Ready': () => modelOn({ holds: theirs }),
    'ModelServer Ready': () => serverOn({ holds: theirs }),
  },
  Resolved: {
    'Model event': () => {
      const inspection = { revision: 'f'.repeat(40), sizeBytes: 1000, fileCount: 1, gguf: {} };
      return modelEvents('inspect', { left: { inspection } });
    },
  },
  PullProgress: { 'Model event': () => modelEvents('pull', { says: downloading(500, 1000) }) },
  Verified: {
    'Model event': () => {
      const { claimName: _, claimUid: __, ...publication } = anArtifact();
      return modelEvents('pull', { left: { publication } });
    },
  },
  NodeLost: {
    'Model Pulled': () =>
      pullOn({
        phase: 'Running',
        conditions: [{ type: 'Ready', status: 'False' }],
        ...containerThat({ ready: true }),
      }),
    'ModelServer Loaded': () => deployed([aServerPod('p', containerThat({ ready: true }))]),
  },
  Evicted: {
    'Model Pulled': () =>
      pullOn({ phase: 'Failed', conditions: [{ type: 'DisruptionTarget', status: 'True' }] }),
  },
  QuotaExceeded: {
    'Model Ready': () => modelOn({ refuses: noRoom }),
    'Model Resolved': () => inspectionRefused(noRoom.message),
    'Model StorageReady': () => growthRefused(noRoom.message),
    'Model Pulled': () => pullRefused(noRoom.message),
    'ModelServer Scheduled': () => deployed([], refusing(noRoom.message)),
    'ModelServer Ready': () => serverOn({ refuses: noRoom }),
  },
  WriteRefused: {
    'Model Ready': () => modelOn({ refuses: refusal }),
    'Model Resolved': () => inspectionRefused(refusal.message),
    'Model Pulled': () => pullRefused(refusal.message),
    'ModelServer Scheduled': () => deployed([], refusing(refusal.message)),
    'ModelServer Ready': () => serverOn({ refuses: refusal }),
    'PersistentVolumeClaim event': () => leftover({}, refusal),
  },
  InvalidObject: { 'Model event': () => invalid('Model'), 'ModelServer event': () => invalid('ModelServer') },
};
