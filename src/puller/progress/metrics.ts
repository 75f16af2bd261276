import { Counter, Gauge, Registry } from 'prom-client';
import { PullerProgress } from '../../protocols/puller.ts';
import { retryCauses, type ProgressCounts, type ProgressTracker } from './progress.ts';

const phases = PullerProgress.shape.phase.options;

/** What a pull does, in Prometheus' terms. Everything is read when somebody asks. */
export function pullerMetrics(progress: Pick<ProgressTracker, 'read' | 'counts'>): Registry {
  const registry = new Registry();
  const registers = [registry];

  const gauge = (name: string, help: string, read: () => number): void => {
    void new Gauge({
      name: `longshore_puller_${name}`,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  };
  const counter = (name: string, help: string, read: (counts: ProgressCounts) => number): void => {
    void new Counter({
      name: `longshore_puller_${name}_total`,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(read(progress.counts()));
      },
    });
  };

  gauge('size_bytes', 'Bytes of all files.', () => progress.read().totalBytes);
  gauge('volume_bytes', 'Bytes of them that are on the volume.', () => progress.read().downloadedBytes);
  gauge('connections', 'Connections that fetch a part now.', () => progress.counts().connections);
  counter('received_bytes', 'Bytes that came over the network.', ({ receivedBytes }) => receivedBytes);
  counter('discarded_bytes', 'Bytes that were thrown away.', ({ discardedBytes }) => discardedBytes);
  void new Counter({
    name: 'longshore_puller_retries_total',
    help: 'What was asked for again, by cause.',
    labelNames: ['cause'],
    registers,
    collect() {
      this.reset();
      const { retries } = progress.counts();
      for (const cause of retryCauses) this.inc({ cause }, retries[cause]);
    },
  });
  void new Gauge({
    name: 'longshore_puller_phase',
    help: '1 for the phase that the pull is in.',
    labelNames: ['phase'],
    registers,
    collect() {
      const { phase: current } = progress.read();
      for (const phase of phases) this.set({ phase }, phase === current ? 1 : 0);
    },
  });
  return registry;
}
