/**
 * A puller as a process of its own that takes a download over from another Model after a moment. Its argument is JSON:
 * the volume, the source and the uid. Prints the digest, or what went wrong.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { pull } from '../pull.ts';
import { hastyTimes, pullOptions } from './pull-options.ts';

const { root, spec, modelUid } = JSON.parse(process.argv[2]!) as {
  root: string;
  spec: object;
  modelUid: string;
};
const { signal } = new AbortController();
const patience = { tries: 3, sleep: (ms: number) => sleep(ms), random: () => 0 };
const options = pullOptions(root, spec, { patience, signal });
const { digest } = await pull({ ...options, modelUid, tenureTimes: hastyTimes });
process.stdout.write(digest);
process.exit();
