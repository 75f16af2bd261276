import { setTimeout as sleep } from 'node:timers/promises';
import { KubeConfig } from '@kubernetes/client-node';
import { pino } from 'pino';
import { connect } from '../../src/kube/client.ts';
import type { ElectionTiming } from '../../src/kube/election-options.ts';
import { fencedClient, NotLeaderError } from '../../src/kube/fence.ts';
import { LeaderElection } from '../../src/kube/leader-election.ts';
import { ledgers, type CandidateEnvironment } from './leader-election-world.ts';

/** The smallest program that leads: as the leader it writes its identity into a ConfigMap, again and again. */
const { KUBECONFIG, NAMESPACE, INSTANCE, TIMING } = process.env as unknown as CandidateEnvironment;

// In the order in which things happened: the last line is what a person sees of a process that ended.
const log = pino({ level: 'debug', base: {} }, pino.destination({ dest: 1, sync: true }));
const config = new KubeConfig();
config.loadFromFile(KUBECONFIG);
const client = connect(config, { fieldManager: INSTANCE });
const lease = { namespace: NAMESPACE, name: 'election' };
const timing = JSON.parse(TIMING) as ElectionTiming;
const election = new LeaderElection({ client, lease, log, instance: INSTANCE, timing });
const fenced = fencedClient(client, election);

const stopping = new AbortController();
const released = new AbortController();
process.once('SIGTERM', () => stopping.abort());
let standsStill = false;
process.once('SIGUSR2', () => (standsStill = true));

async function write(): Promise<void> {
  for (let count = 1; !stopping.signal.aborted; count += 1) {
    try {
      const data = { by: election.identity, count: String(count) };
      // As if stopped by chance, where it is worst: the decision to write is taken, and none is on its way.
      if (standsStill) process.kill(process.pid, 'SIGSTOP');
      standsStill = false;
      await fenced.patch(ledgers, { namespace: NAMESPACE, name: 'ledger' }, { data });
    } catch (error) {
      if (error instanceof NotLeaderError) return log.info({}, 'write refused');
      log.debug({ problem: String(error) }, 'write failed');
    }
    await sleep(20);
  }
}

const writing = election.acquired.then(write);
// Who leads lets go when its last write is answered; who waits at once.
stopping.signal.addEventListener('abort', () => {
  void (election.isLeader ? writing : Promise.resolve()).then(() => released.abort());
});
try {
  await election.start(released.signal);
} catch (error) {
  await writing;
  log.fatal({}, (error as Error).message);
  process.exitCode = 1;
}
await client.close();
