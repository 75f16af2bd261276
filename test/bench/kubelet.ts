/**
 * A program: plays the kubelet, the scheduler and the provisioner of volumes for every pod of ours, thousands of them.
 * Nothing goes wrong: inspections and pulls end well after a moment, servers become ready. It holds everything until
 * its parent says `go`. A process of its own, so that what it costs is not taken for anybody else's.
 */
import { KubeConfig } from '@kubernetes/client-node';
import { pino } from 'pino';
import { labels, managedBySelector } from '../../src/controllers/labels.ts';
import { persistentVolumeClaims, pods, type Pod } from '../../src/kube/builtin.ts';
import { connect } from '../../src/kube/client.ts';
import { formatTime } from '../../src/kube/conditions.ts';
import { Informer } from '../../src/kube/informer.ts';
import { pathOf, type Kind, type KubeObject, type Live, type Ref } from '../../src/kube/kind.ts';
import { Transport } from '../../src/kube/transport.ts';
import { progressPort, type PullerProgress, type PullerReport } from '../../src/protocols/puller.ts';
import { runtimePort, type LoadState } from '../../src/protocols/runtime.ts';
import { listenOnLoopback } from '../integration/pod-address.ts';
import { weights } from '../integration/weights.ts';
import { limiter } from './limiter.ts';

type Status = NonNullable<Pod['status']>;

const { inspection, publication } = weights();
/** How long pods run, in milliseconds. */
const lasts = { inspect: 200, pull: 1000, load: 500 };

const config = new KubeConfig();
config.loadFromFile(process.env['KUBECONFIG'] ?? '');
const transport = new Transport(config, 'bench-kubelet');
const log = pino({ base: { program: 'bench-kubelet' } });
const stop = new AbortController();
const limit = limiter(32);

/** All pods have one address each for pullers and servers: what is asked there is the same of all. */
const half: PullerProgress = {
  phase: 'downloading',
  downloadedBytes: inspection.sizeBytes / 2,
  totalBytes: inspection.sizeBytes,
};
const loaded: LoadState = {
  phase: 'ready',
  percent: 100,
  chat: { description: 'By the template in the file.' },
};
const pullers = await listenOnLoopback(progressPort, () => half);
const servers = await listenOnLoopback(runtimePort, () => loaded);

const cache = new Informer({
  client: connect(config, { fieldManager: 'bench-kubelet', requestTimeoutMs: 120_000 }),
  kind: pods,
  log,
  labelSelector: managedBySelector,
});
process.once('message', () => {
  cache.onChange(({ type, object }) => {
    if (type === 'added' && object.status?.phase === 'Pending') void play(object);
  });
});
process.once('disconnect', () => process.exit(0));
void cache.start(stop.signal);
await cache.synced();
process.send?.('ready');

async function play(pod: Live<Pod>): Promise<void> {
  try {
    const task = pod.metadata.labels?.[labels.task];
    if (task === 'inspect') {
      await write(pod, running(pod, { ready: true }));
      await later(lasts.inspect);
      await write(pod, succeeded(pod, { inspection }));
    } else if (task === 'pull') {
      await bind(pod);
      await write(pod, running(pod, { ready: true, address: pullers.address }));
      await later(lasts.pull);
      await write(pod, succeeded(pod, { publication }));
    } else {
      await write(pod, running(pod, { ready: false, address: servers.address }));
      await later(lasts.load);
      await write(pod, running(pod, { ready: true, address: servers.address }));
    }
  } catch (error) {
    log.error({ err: error, pod: pod.metadata.name }, 'pod was not played');
  }
}

/** As a provisioner does for a class that waits for the first pod. */
async function bind({ metadata: { namespace }, spec }: Live<Pod>): Promise<void> {
  for (const { persistentVolumeClaim: claim } of spec?.volumes ?? [])
    if (claim)
      await patchStatus(persistentVolumeClaims, { namespace, name: claim.claimName }, { phase: 'Bound' });
}

function running(pod: Live<Pod>, { ready, address }: { ready: boolean; address?: string }): Status {
  const ip = address === undefined ? {} : { podIP: address, podIPs: [{ ip: address }] };
  return { phase: 'Running', ...conditions(ready), ...container(pod, ready, { running: {} }), ...ip };
}

function succeeded(pod: Live<Pod>, report: PullerReport): Status {
  const at = formatTime(new Date());
  const message = JSON.stringify(report);
  const terminated = { exitCode: 0, reason: 'Completed', message, startedAt: at, finishedAt: at };
  return { phase: 'Succeeded', ...conditions(false), ...container(pod, false, { terminated }) };
}

function conditions(ready: boolean): Pick<Status, 'conditions'> {
  const lastTransitionTime = formatTime(new Date());
  return { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime }] };
}

function container({ spec }: Live<Pod>, ready: boolean, state: object): Pick<Status, 'containerStatuses'> {
  const { name = '', image = '' } = spec?.containers[0] ?? {};
  return { containerStatuses: [{ name, image, imageID: '', ready, restartCount: 0, state }] };
}

function write({ metadata: { namespace, name } }: Live<Pod>, status: Status): Promise<void> {
  return patchStatus(pods, { namespace, name }, status);
}

/** A merge patch: server-side apply costs the API server several times as much. */
function patchStatus<T extends KubeObject>(kind: Kind<T>, ref: Ref, status: object): Promise<void> {
  return limit(async () => {
    const response = await transport.send(
      {
        method: 'PATCH',
        path: pathOf(kind, ref, 'status'),
        contentType: 'application/merge-patch+json',
        body: { status },
      },
      AbortSignal.timeout(120_000),
    );
    const text = await response.text();
    // A kubelet drops what it had to say of a pod that is gone.
    if (response.status >= 300 && response.status !== 404) throw new Error(text);
  });
}

function later(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
