import { describe, expect, it } from 'vitest';
import type { Found } from './names.ts';
import { notReady } from './standing.ts';
import { aModel, aServer, conditions } from './testing/objects.ts';

function said(found: Found) {
  const { status, code, retryAfter, message } = notReady('x', found);
  return { status, code, retryAfter, message };
}

describe('what takes no request', () => {
  it('is on its way: the words of the condition, and when to try again', () => {
    const status = { conditions: conditions(['Ready', 'False', 'Loading', '42% of the weights are read.']) };
    expect(said({ servers: [aServer('chat', { status })] })).toEqual({
      status: 503,
      code: 'model_not_ready',
      retryAfter: 5,
      message: "The model 'x' is not ready yet. ModelServer team/chat: Loading: 42% of the weights are read.",
    });
  });

  it('is stuck: a person has to act, so nothing is said of trying again', () => {
    const stuck = conditions(
      ['Ready', 'False', 'InsufficientGPUMemory', 'needs 11 GiB'],
      ['Stalled', 'True', 'InsufficientGPUMemory'],
    );
    const failed = aServer('chat', { status: { conditions: stuck } });
    expect(said({ servers: [failed] })).toEqual({
      status: 503,
      code: 'model_failed',
      retryAfter: undefined,
      message: "The model 'x' cannot be served. ModelServer team/chat: InsufficientGPUMemory: needs 11 GiB",
    });
    const loading = aServer('other', { status: { conditions: conditions(['Ready', 'False', 'Loading']) } });
    expect(said({ servers: [failed, loading] }).message).toContain('ModelServer team/other: Loading');
  });

  it('is scaled to zero: how to scale it', () => {
    expect(said({ servers: [aServer('chat', { replicas: 0 })] })).toMatchObject({
      status: 503,
      code: 'model_not_ready',
      message: expect.stringContaining('kubectl scale modelserver chat -n team --replicas=1') as string,
    });
  });

  it('was made a moment ago, or has lost its last replica: try again', () => {
    const ready = aServer('chat', { status: { conditions: conditions(['Ready', 'True', 'Ready']) } });
    for (const server of [aServer('chat'), ready]) {
      expect(said({ servers: [server] })).toMatchObject({ status: 503, retryAfter: 5 });
    }
  });

  it('is a Model that is being pulled: how far', () => {
    const status = {
      conditions: conditions(['Ready', 'False', 'Pulling', '3 of 7 GB.']),
      progress: { percent: 42, text: '42%', downloadedBytes: 3, totalBytes: 7 },
    };
    expect(said({ model: aModel('m', { status }) })).toMatchObject({
      status: 503,
      message: "The model 'x' is not ready yet. Model team/m: Pulling: 42%: 3 of 7 GB.",
    });
    expect(said({ model: aModel('m') })).toMatchObject({ status: 503, retryAfter: 5 });
  });

  it('is a Model that none serves: what to apply', () => {
    const status = { conditions: conditions(['Ready', 'True', 'Ready']) };
    expect(said({ model: aModel('m', { status }) })).toMatchObject({
      status: 404,
      code: 'model_not_loaded',
      message: expect.stringContaining('no ModelServer serves Model team/m') as string,
    });
  });
});
