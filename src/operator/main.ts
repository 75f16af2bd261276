import { setFlagsFromString } from 'node:v8';
import closeWithGrace from 'close-with-grace';
import { pino } from 'pino';
import { NotLeaderError } from '../kube/fence.ts';
import { readConfig } from './config.ts';
import { LongshoreOperator } from './operator.ts';

const graceMs = 25_000;

// Most of the heap is caches, which stay. V8 would let it grow by half and more before it looks what can go; by a fifth
// costs no time that was seen, and a tenth less memory with 2,500 Models and servers. NODE_OPTIONS does not take it.
setFlagsFromString('--heap-growing-percent=20');

const config = readConfig(process.env);
// Written at once: what a process says before it ends must not be lost.
const log = pino({ level: config.logLevel, base: { program: 'operator' } }, pino.destination({ sync: true }));
const operator = new LongshoreOperator(config, log);

closeWithGrace({ delay: graceMs, logger: log }, async ({ err }) => {
  // Nothing is broken: another operator goes on, and this one is started again.
  if (err instanceof NotLeaderError) log.fatal(err.message);
  else if (err) log.fatal({ err }, 'the operator cannot go on');
  await operator.shutdown();
});

await operator.start();
await operator.finished;
