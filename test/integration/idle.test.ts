import { expect, inject, test } from 'vitest';
import { downloading, reports, serves } from './fake-kubelet.ts';
import { ownWorld } from './it.ts';
import { isReady } from './objects.ts';
import { RequestLog } from './request-log.ts';
import { weights } from './weights.ts';

const it = test
  .extend('requests', async ({}, { onCleanup }) => {
    const requests = await RequestLog.start(inject('kubeconfig'));
    onCleanup(() => requests[Symbol.asyncDispose]());
    return requests;
  })
  .extend('world', ({ requests, task }, { onCleanup }) =>
    ownWorld({ operatorKubeconfig: requests.kubeconfig }, task, onCleanup),
  );

it.concurrent(
  'what is as it should be costs no request, however often it is looked at',
  async ({ world, requests }) => {
    const { kubelet, models, servers } = world;
    await world.readyModel('idle');
    kubelet.always({ server: 'idle' }, serves);
    await world.applyServer('idle', { model: 'idle' });
    await servers.untilOne('idle', isReady);
    kubelet.plays({ model: 'pulling', task: 'inspect' }, reports({ inspection: weights().inspection }));
    await world.applyModel('pulling');
    const pull = await kubelet.next({ model: 'pulling', task: 'pull' });
    await pull.starts();
    pull.says(downloading(470_000_000, 4_700_000_000));
    await models.untilOne('pulling', ({ status }) => status?.progress?.percent === 10);
    await pull.asked(2);

    const written = models.versions('idle').length;
    const sent = requests.sent.length;
    for (let looks = 1; looks <= 3; looks += 1) {
      await world.touch('idle');
      // The pull is looked at every two seconds: a beat by which to know that the operator had time.
      await pull.asked(1);
    }
    expect(requests.sent.slice(sent)).toEqual([]);
    expect(models.versions('idle').length - written).toBe(3);
  },
);

it.concurrent(
  'an operator that is started again writes nothing when all is as it should be',
  async ({ world, requests }) => {
    const { kubelet, servers } = world;
    await world.readyModel('settled');
    kubelet.always({ server: 'settled' }, serves);
    await world.applyServer('settled', { model: 'settled' });
    await servers.untilOne('settled', isReady);
    expect(await world.operator.stop()).toBe(0);
    const sent = requests.sent.length;
    await world.startOperator();
    // What comes after it shows that all before it were looked at.
    await world.readyModel('sentinel');
    const about = requests.sent.slice(sent).filter(({ path }) => !path.includes('sentinel'));
    const writes = about.filter(({ method, path }) => method !== 'GET' && !path.endsWith('/events'));
    // A request that makes a Job does not say its name in the path: the sentinel has two.
    expect(writes.map(({ method, path }) => `${method} ${path}`)).toEqual(
      world.jobsOf('sentinel').map(() => `POST /apis/batch/v1/namespaces/${world.namespace}/jobs`),
    );
  },
);

it.concurrent(
  'a check that finds nothing new costs a Job and one write of the status',
  async ({ world, requests }) => {
    const { kubelet, jobs } = world;
    const update = { policy: 'OnChange' as const };
    const { inspection } = weights();
    await world.readyModel('checked', weights(), { update });
    const sent = requests.sent.length;
    await world.letTimePass('checked');
    const check = await kubelet.next({ model: 'checked', task: 'inspect' });
    await check.succeeds({ unchanged: { revision: inspection.revision } });
    const name = world.jobsOf('checked', 'inspect').at(-1) ?? '';
    await jobs.untilGone(name);
    const writes = requests.sent
      .slice(sent)
      .filter(({ method, path }) => method !== 'GET' && !path.endsWith('/events'))
      .map(({ method, path }) => `${method} ${path}`);
    const job = `/apis/batch/v1/namespaces/${world.namespace}/jobs`;
    const status = `/apis/longshore.dev/v1alpha1/namespaces/${world.namespace}/models/checked/status`;
    // Until its cache has heard that the Job is gone, the operator may have it removed again.
    expect([...new Set(writes)]).toEqual([`POST ${job}`, `PATCH ${status}`, `DELETE ${job}/${name}`]);
    expect(writes.filter((write) => !write.startsWith('DELETE'))).toHaveLength(2);
  },
);
