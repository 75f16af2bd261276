import { describe, expect, it } from 'vitest';
import { pullerReasons, type PullerReport } from '../../../protocols/puller.ts';
import {
  aJob,
  aModel,
  anArtifact,
  aPodOf,
  aView,
  commit,
  meta,
  secondsAgo,
  type JobChoices,
} from '../../testing/objects.ts';
import { resolveSource } from './resolve.ts';
import { sourceLine } from './source-line.ts';
import { fingerprint, inspectRequest } from '../view.ts';

const model = aModel();
const request = inspectRequest(model);
const gguf = { architecture: 'qwen3' };
const memory = { weightsBytes: 1_900_000, kvBytesPerToken: { f16: 1024 } };
const known = { source: '', request, revision: commit, sizeBytes: 1, size: '1B', fileCount: 1 };
const inspection = { revision: commit, sizeBytes: 2_000_000, fileCount: 2, gguf, memory };

function outcomeOf(job: Partial<JobChoices>, left?: PullerReport, of = model) {
  const inspectJob = aJob({ request, ...job });
  return resolveSource(aView({ model: of, jobs: [inspectJob], pods: [aPodOf(inspectJob, left)] }), {});
}

describe('sourceLine', () => {
  it('names a claim and a folder on it', () => {
    const of = (volume: { claimName: string; path?: string }) =>
      sourceLine(aModel({ source: { volume } }).spec.source);
    expect(of({ claimName: 'weights', path: 'qwen/8b' })).toBe('volume:weights/qwen/8b');
    expect(of({ claimName: 'weights' })).toBe('volume:weights/');
  });

  it('names the repository and what is followed in it', () => {
    expect(sourceLine(model.spec.source)).toBe('hf:owner/name@main');
  });

  it('is the model of an Ollama registry as it is written', () => {
    const of = (ollama: { model: string; endpoint?: string }) =>
      sourceLine(aModel({ source: { ollama } }).spec.source);
    expect(of({ model: 'llama3.1:8b' })).toBe('ollama:llama3.1:8b');
    expect(of({ model: 'smollm', endpoint: 'https://mirror' })).toBe('ollama:smollm');
    expect(of({ model: 'hf.co/owner/name:Q4_K_M' })).toBe('ollama:hf.co/owner/name:Q4_K_M');
  });

  it('is the reference of an artifact', () => {
    const oci = { reference: 'registry.internal/models/qwen3:8b' };
    expect(sourceLine(aModel({ source: { oci } }).spec.source)).toBe(
      'oci://registry.internal/models/qwen3:8b',
    );
  });

  it('is the first of several URLs, without what may be a signature', () => {
    const of = (...urls: string[]) => {
      const files = urls.map((url) => ({ url, sha256: '0'.repeat(64) }));
      return sourceLine(aModel({ source: { http: { files } } }).spec.source);
    };
    expect(of('https://files.example/m.gguf?X-Amz-Signature=1')).toBe('https://files.example/m.gguf');
    expect(of('https://a.example/m.gguf', 'https://b.example/LICENSE')).toBe(
      'https://a.example/m.gguf and 1 more',
    );
  });
});

describe('inspectRequest', () => {
  it('is another for another source and for other credentials, and the same for the rest', () => {
    const others = [
      { source: { huggingFace: { repo: 'owner/name', revision: 'v2' } } },
      { credentials: { secretName: 'hub' } },
    ];
    expect(new Set([request, ...others.map((spec) => inspectRequest(aModel(spec)))]).size).toBe(3);
    expect(inspectRequest(aModel({ storage: { size: '5Gi' }, puller: { nodeSelector: { a: 'b' } } }))).toBe(
      request,
    );
  });

  it('is short enough for a label', () => {
    expect(fingerprint('anything')).toMatch(/^[0-9a-f]{16}$/);
  });
});

describe('resolveSource', () => {
  it('asks when it does not know', () => {
    const outcome = resolveSource(aView({ model }), {});
    expect(outcome).toMatchObject({
      at: 'waiting',
      reason: 'Resolving',
      message: 'Asking for hf:owner/name@main.',
    });
    expect(outcome.apply?.[0]?.object.metadata.name).toBe(`qwen-inspect-${request.slice(0, 8)}-1`);
  });

  it('asks again when what it knows answers another question', () => {
    const other = { ...known, request: 'other' };
    expect(resolveSource(aView({ model }), { resolved: other }).apply).toHaveLength(1);
    const outcome = resolveSource(aView({ model }), { resolved: known });
    expect(outcome.at).toBe('done');
    expect(outcome.apply).toBeUndefined();
  });

  it('keeps what the puller found', () => {
    const ended = { type: 'Complete' as const, secondsAgo: 0 };
    expect(outcomeOf({ ended }, { inspection })).toEqual({
      at: 'done',
      message: 'hf:owner/name@main is 0123456789ab: 2 files, 2MB.',
      events: [
        {
          type: 'Normal',
          reason: 'Resolved',
          note: 'hf:owner/name@main is 0123456789ab: 2 files, 2MB.',
        },
      ],
      status: {
        resolved: {
          source: 'hf:owner/name@main',
          request,
          revision: commit,
          sizeBytes: 2_000_000,
          size: '2MB',
          fileCount: 2,
          checkedAt: '2030-01-01T12:00:00Z',
          change: 'First',
        },
        gguf,
        memory,
      },
    });
  });

  it('says a manifest by the first digits of its digest', () => {
    const ended = { type: 'Complete' as const, secondsAgo: 0 };
    const ollama = aModel({ source: { ollama: { model: 'llama3.1:8b' } } });
    const revision = `sha256:${'fedcba98'.repeat(8)}`;
    const report = { inspection: { ...inspection, revision, spaceBytes: 3_000_000 } };
    const outcome = outcomeOf({ ended, request: inspectRequest(ollama) }, report, ollama);
    expect(outcome.message).toBe('ollama:llama3.1:8b is fedcba98fedc: 2 files, 2MB.');
    expect(outcome.status?.resolved).toMatchObject({ revision, spaceBytes: 3_000_000 });
  });

  it('keeps the facts of another revision beside it until that is published', () => {
    const ended = { type: 'Complete' as const, secondsAgo: 0 };
    const job = aJob({ request, ended });
    const view = aView({ model, jobs: [job], pods: [aPodOf(job, { inspection })] });
    const before = { ...known, request: 'other' };
    const { status } = resolveSource(view, {
      resolved: before,
      artifact: anArtifact({ content: 'other' }),
    });
    expect(status).not.toHaveProperty('gguf');
    expect(status?.resolved).toMatchObject({ gguf, memory, change: 'SpecChanged' });
    const same = resolveSource(view, { resolved: before, artifact: anArtifact() }).status;
    expect(same).toMatchObject({ gguf, memory });
    expect(same?.resolved).not.toHaveProperty('gguf');
  });

  it('asks anew when somebody asks for it, and says that it was seen when there is an answer', () => {
    const asking = {
      ...model,
      metadata: { ...model.metadata, annotations: { 'longshore.dev/requested-at': '7' } },
    };
    const asked = resolveSource(aView({ model: asking }), {}).apply?.[0]?.object.metadata.labels;
    const job = aJob({ request: asked?.['longshore.dev/request'] ?? '' });
    expect(asked?.['longshore.dev/request']).not.toBe(request);
    for (const left of [{ inspection }, { failure: { reason: 'GatedRepo', message: 'Ask.' } }] as const) {
      const ended = {
        ...job,
        ...aJob({
          request: asked?.['longshore.dev/request'] ?? '',
          ended: { type: 'inspection' in left ? 'Complete' : 'Failed', secondsAgo: 0 },
        }),
      };
      const view = aView({ model: asking, jobs: [ended], pods: [aPodOf(ended, left)] });
      expect(resolveSource(view, {}).status).toMatchObject({ lastHandledRequest: '7' });
    }
  });

  it('looks again by itself only when the last words of a pod are on their way', () => {
    expect(outcomeOf({})).toMatchObject({ at: 'waiting', recheckAfter: undefined });
    const ended = { type: 'Failed' as const, secondsAgo: 2 };
    expect(outcomeOf({ ended })).toMatchObject({ reason: 'Resolving', recheckAfter: 3 });
  });

  it('tells what keeps the pod from running', () => {
    const job = aJob({ request });
    const pod = aPodOf(job);
    const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: 'no node' };
    const pods = [{ ...pod, status: { conditions: [condition] } }];
    const outcome = resolveSource(aView({ model, jobs: [job], pods }), {});
    expect(outcome.message).toContain('no node');
  });

  it.for(pullerReasons)('says %s and when it asks again', (reason) => {
    const ended = { type: 'Failed' as const, secondsAgo: 0 };
    const outcome = outcomeOf({ ended }, { failure: { reason, message: 'So it was.' } });
    expect(outcome).toMatchObject({ reason, message: 'So it was.', recheckAfter: 10 });
    expect(outcome.apply).toBeUndefined();
  });

  it('keeps a failure in sight while it asks again', () => {
    const told = { type: 'Resolved', status: 'False' as const, reason: 'GatedRepo', message: 'Ask.' };
    const failing = aModel(
      {},
      {
        conditions: [{ ...told, observedGeneration: 1, lastTransitionTime: secondsAgo(9) }],
      },
    );
    expect(outcomeOf({ attempt: 2 }, undefined, failing)).toMatchObject({
      reason: 'GatedRepo',
      message: 'Ask.',
    });
    expect(outcomeOf({ attempt: 1 }, undefined, failing)).toMatchObject({ reason: 'Resolving' });
    const edited = { ...failing, metadata: meta('qwen', { generation: 2 }) };
    expect(outcomeOf({ attempt: 2 }, undefined, edited)).toMatchObject({ reason: 'Resolving' });
  });
});
