import { setFlagsFromString } from 'node:v8';
import { KubeConfig } from '@kubernetes/client-node';
import closeWithGrace from 'close-with-grace';
import { pino, type Logger } from 'pino';
import { connect } from '../kube/client.ts';
import { NotLeaderError } from '../kube/fence.ts';
import { readConfig, readReleaseConfig } from './config.ts';
import { LongshoreOperator } from './operator.ts';
import { releaseModels } from './release.ts';

const graceMs = 25_000;

/** Written at once: what a process says before it ends must not be lost. */
function logAt(level: string, program: string): Logger {
  return pino({ level, base: { program } }, pino.destination({ sync: true }));
}

async function operate(): Promise<void> {
  // Most of the heap is caches, which stay. V8 would let it grow by half and more before it looks what can go; by a fifth
  // cost no time that was seen. What it saves apart from the rest was not told from the noise. NODE_OPTIONS does not take it.
  setFlagsFromString('--heap-growing-percent=20');
  const config = readConfig(process.env);
  const log = logAt(config.logLevel, 'operator');
  const operator = new LongshoreOperator(config, log);

  closeWithGrace({ delay: graceMs, logger: log }, async ({ err }) => {
    // Nothing is broken: another operator goes on, and this one is started again.
    if (err instanceof NotLeaderError) log.fatal(err.message);
    else if (err) log.fatal({ err }, 'the operator cannot go on');
    await operator.shutdown();
  });

  await operator.start();
  await operator.finished;
}

/** The chart has this run once after the operator was uninstalled. */
async function release(): Promise<void> {
  const { namespace, logLevel } = readReleaseConfig(process.env);
  const log = logAt(logLevel, 'release');
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromDefault();
  const client = connect(kubeConfig, { fieldManager: 'longshore', userAgent: 'longshore-release' });
  try {
    const released = await releaseModels(client, namespace);
    log.info({ namespace: namespace ?? 'all', released }, 'Models can be deleted without an operator');
  } finally {
    await client.close();
  }
}

const tasks: Record<string, () => Promise<void>> = { operate, release };
const [task = 'operate'] = process.argv.slice(2);
const run = tasks[task];
if (!run)
  throw new Error(`there is no task "${task}": leave it out, or say ${Object.keys(tasks).join(' or ')}`);
await run();
