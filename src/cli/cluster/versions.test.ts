import { describe, expect, it } from 'vitest';
import { models } from '../../controllers/kinds.ts';
import { aModel } from '../../controllers/testing/objects.ts';
import type { KubeClient, WatchEvent } from '../../kube/client.ts';
import { ApiError } from '../../kube/errors.ts';
import type { Model } from '../../api/model.ts';
import { versionsOf } from './versions.ts';

const ready = (status: string) =>
  aModel({}, {
    conditions: [{ type: 'Ready', status, reason: 'R', message: 'm', lastTransitionTime: '' }],
  } as Model['status']);

describe('versionsOf', () => {
  const gone = new ApiError({ status: 404, reason: 'NotFound', message: 'no' });
  const model = ready('False');

  /** An API server that answers `get` and `watch` with these, one after the other. */
  function server(gets: (typeof model | ApiError)[], watches: (WatchEvent<Model>[] | ApiError)[]) {
    const client = {
      get: async () => {
        const next = gets.shift();
        if (!next || next instanceof ApiError) throw next ?? new Error('asked too often');
        return next;
      },
      watch: async function* () {
        const next = watches.shift();
        if (!next || next instanceof ApiError) throw next ?? new Error('watched too often');
        yield* next;
      },
    };
    return client as unknown as Pick<KubeClient, 'get' | 'watch'>;
  }
  async function all(client: Pick<KubeClient, 'get' | 'watch'>) {
    const seen = [];
    const ref = { namespace: 'ns', name: 'qwen' };
    for await (const version of versionsOf(client, models, ref, new AbortController().signal)) {
      seen.push(version?.status?.conditions?.[0]?.status);
    }
    return seen;
  }

  it('are what is there and each change, until it is deleted', async () => {
    const events: WatchEvent<Model>[] = [
      { type: 'MODIFIED', object: ready('True') },
      { type: 'BOOKMARK', resourceVersion: '9' },
      { type: 'DELETED', object: ready('True') },
    ];
    expect(await all(server([model], [events]))).toEqual(['False', 'True', undefined]);
  });

  it('are read anew when the watch ends, and when it is too old', async () => {
    const old = new ApiError({ status: 410, reason: 'Expired', message: 'too old' });
    expect(await all(server([model, ready('True'), gone], [[], old]))).toEqual(['False', 'True', undefined]);
  });

  it('go on after the API server was away, and not where it never answered', async () => {
    const away = new ApiError({ status: 0, reason: 'Unreachable', message: 'refused' });
    expect(await all(server([model, away, ready('True'), gone], [[], []]))).toEqual([
      'False',
      'True',
      undefined,
    ]);
    await expect(all(server([away], []))).rejects.toBe(away);
  });

  it('end with what the API server refuses', async () => {
    const refused = new ApiError({ status: 403, reason: 'Forbidden', message: 'no' });
    await expect(all(server([refused], []))).rejects.toBe(refused);
  });
});
