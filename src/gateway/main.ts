import { KubeConfig } from '@kubernetes/client-node';
import closeWithGrace from 'close-with-grace';
import { pino } from 'pino';
import { readConfig } from './config.ts';
import { startGateway } from './gateway.ts';

const config = readConfig(process.env);
// Written at once: what a process says before it ends must not be lost.
const log = pino({ level: config.logLevel, base: { program: 'gateway' } }, pino.destination({ sync: true }));
const kubeConfig = new KubeConfig();
kubeConfig.loadFromDefault();

const stopping = new AbortController();
const started = startGateway(config, log, kubeConfig, stopping.signal);
const milliseconds = (config.drainSeconds + config.graceSeconds) * 1000;
closeWithGrace({ delay: milliseconds + 2000, logger: log }, async ({ err }) => {
  if (err) {
    log.fatal({ err }, 'the gateway cannot go on');
    return;
  }
  stopping.abort();
  await (await started)?.drain();
});
await started;
