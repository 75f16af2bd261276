import closeWithGrace from 'close-with-grace';
import { pino } from 'pino';
import { readConfig } from './config.ts';
import { LongshoreOperator } from './operator.ts';

const graceMs = 25_000;

const config = readConfig(process.env);
const log = pino({ level: config.logLevel, base: { program: 'operator' } });
const operator = new LongshoreOperator(config, log);

closeWithGrace({ delay: graceMs, logger: log }, async ({ err }) => {
  if (err) log.fatal({ err }, 'the operator cannot go on');
  await operator.shutdown();
});

await operator.start();
await operator.finished;
