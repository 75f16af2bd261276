import { describe, expect, it } from 'vitest';
import type { Job } from '../../../kube/builtin.ts';
import type { Live } from '../../../kube/kind.ts';
import { CollectRequest } from '../../../protocols/puller.ts';
import { standsForFiles } from '../../retention.ts';
import { aClaim, aModel, meta } from '../../testing/objects.ts';
import { noteFor, runFor } from './note.ts';

const claim = aClaim('shared', { metadata: { ownerReferences: [] } });
const named = { name: 'shared', uid: claim.metadata.uid };
const puller = {
  nodeSelector: { disk: 'fast' },
  tolerations: [{ key: 'maintenance', operator: 'Exists' as const }],
};
const model = aModel({ storage: { claimName: 'shared' }, credentials: { secretName: 'hub' }, puller });
const note = noteFor(model, { claim: named, image: 'puller:1', defaults: {} });
const live = (job: typeof note): Live<Job> => ({
  ...job,
  metadata: { ...job.metadata, uid: 'job', resourceVersion: '1' },
});
const plan = { attempt: 3, image: 'puller:2', graceSeconds: 60 };
const podOf = ({ spec }: typeof note) => spec!.template.spec!;
const requestOf = (job: typeof note) =>
  CollectRequest.parse(JSON.parse(podOf(job).containers[0]!.env![0]!.value!));

describe('a note', () => {
  it('is a Job that does not run, goes with nothing, and knows whose files where', () => {
    expect(note.spec).toMatchObject({ suspend: true });
    expect(note.spec).not.toHaveProperty('ttlSecondsAfterFinished');
    expect(note.metadata).not.toHaveProperty('ownerReferences');
    expect(note.metadata.labels).toMatchObject({
      'app.kubernetes.io/managed-by': 'longshore',
      'longshore.dev/model': 'qwen',
      'longshore.dev/model-uid': 'uid-of-qwen',
      'longshore.dev/claim-uid': 'uid-of-shared',
      'longshore.dev/task': 'collect',
      'longshore.dev/attempt': '0',
    });
    expect(standsForFiles(live(note))).toBe(true);
  });

  it('does, when somebody lets it run, what has to be done, and with no token', () => {
    expect(requestOf(note)).toEqual({ forget: { modelUid: 'uid-of-qwen', except: [] }, graceSeconds: 0 });
    expect(podOf(note).volumes).toContainEqual({
      name: 'models',
      persistentVolumeClaim: { claimName: 'shared' },
    });
    expect(podOf(note).volumes?.map(({ name }) => name)).not.toContain('credentials');
    expect(podOf(note).containers[0]?.args).toEqual(['/app/puller.js', 'collect']);
  });

  it('is another for another Model and another claim', () => {
    const again = { ...model, metadata: meta('qwen', { uid: 'made-again' }) };
    const names = [
      note,
      noteFor(again, { claim: named, image: 'puller:1', defaults: {} }),
      noteFor(model, { claim: { ...named, uid: 'another' }, image: 'puller:1', defaults: {} }),
    ].map(({ metadata }) => metadata.name);
    expect(new Set(names).size).toBe(3);
  });
});

describe('the Job that runs for a note', () => {
  const run = runFor(live(note), claim, plan);

  it('asks the same, by the image of today, where the Model had its pods', () => {
    expect(run.metadata.name).toBe(note.metadata.name.replace(/-0$/, '-3'));
    expect(run.metadata.labels).toEqual({ ...note.metadata.labels, 'longshore.dev/attempt': '3' });
    expect(run.spec).not.toHaveProperty('suspend');
    expect(run.spec).not.toHaveProperty('ttlSecondsAfterFinished');
    expect(requestOf(run)).toEqual({ forget: { modelUid: 'uid-of-qwen', except: [] }, graceSeconds: 60 });
    expect(podOf(run).containers[0]?.image).toBe('puller:2');
    expect(podOf(run).nodeSelector).toEqual({ disk: 'fast' });
    expect(podOf(run).tolerations).toContainEqual({ key: 'maintenance', operator: 'Exists' });
    expect(standsForFiles(live(run))).toBe(true);
  });

  it('takes nothing else from a note, which anybody may have written', () => {
    const forged = live(note);
    const pod = { ...podOf(note), hostNetwork: true, serviceAccountName: 'admin' };
    pod.containers = [{ name: 'puller', image: 'evil', command: ['sh'] }];
    pod.volumes = [{ name: 'models', hostPath: { path: '/' } }];
    const spec = { ...note.spec, template: { ...note.spec?.template, spec: pod } };
    expect(runFor({ ...forged, spec }, claim, plan)).toEqual(run);
  });
});
