import type { Figures, Response, StatusWrites } from './figures.ts';
import type { Latency } from './latency.ts';
import type { Requests } from './requests.ts';

/** Everything measured with one number of objects, as Markdown. */
export function tableOf(figures: Figures): string {
  const { empty, created, serversCreated, ready, perModel, settled, idle, restart } = figures;
  const rows: [what: string, figure: string | undefined][] = [
    ['no object: RSS, start to ready', `${mb(empty.rssMb)}, ${s(empty.readySeconds)}`],
    ['one Model alone, create to first status', response(figures.alone)],
    ['creation, 16 at once', `${created.createsPerSecond.toFixed(0)}/s`],
    ['every Model has a Job and a status', `${s(created.seconds)}, ${created.rate.toFixed(0)}/s`],
    ['— create to first status', response(created)],
    ['— CPU per Model', ms(created.cpuMs)],
    ['— CPU elsewhere', processes(created.elsewhere)],
    [
      'every ModelServer has a status',
      serversCreated && `${s(serversCreated.seconds)}, ${serversCreated.rate.toFixed(0)}/s`,
    ],
    ['— create to first status', serversCreated && response(serversCreated)],
    ['all Ready after pods are played', `${s(ready.seconds)}, ${ready.rate.toFixed(0)}/s`],
    ['a Model beside, while the crowd is created', beside(figures.besideCreating, figures.alone)],
    ['a Model beside, while the crowd settles', beside(figures.besideSettling, figures.alone)],
    ['status writes per Model', statusWrites(figures.writesPerModel)],
    ['status writes per ModelServer', statusWrites(figures.writesPerServer)],
    ['requests per Model', requests(perModel.requests)],
    ['— refused', requests(perModel.refused)],
    ['requests to pods per Model', perModel.polls.toFixed(2)],
    ['reconciles per Model', perModel.reconciles?.toFixed(1)],
    ['CPU per Model', ms(perModel.cpuMs)],
    [
      'settled: RSS, peak, CPU since start',
      `${mb(settled.rssMb)}, ${mb(settled.peakMb)}, ${s(settled.cpuSeconds)}`,
    ],
    ['— heap in use, buffers outside', `${mb(settled.heap.usedMb)}, ${mb(settled.heap.externalMb)}`],
    ['event loop busy from creation to settled', `${(settled.eventLoopBusy * 100).toFixed(0)} %`],
    ['CPU elsewhere', processes(figures.elsewhere)],
    [`idle ${idle.seconds} s: writes sent, seen`, `${idle.writes}, ${idle.seenWrites}`],
    ['— requests', requests(idle.requests)],
    ['— CPU', `${s(idle.cpuSeconds)}, ${((idle.cpuSeconds / idle.seconds) * 100).toFixed(2)} % of a core`],
    ['— reconciles', idle.reconciles?.toFixed(0)],
    ['stop', s(restart.stopSeconds)],
    [
      'start with everything there: ready, settled',
      `${s(restart.readySeconds)}, ${restart.settledSeconds === undefined ? 'never' : s(restart.settledSeconds)}`,
    ],
    ['— writes, requests', `${restart.writes}; ${requests(restart.requests)}`],
    ['— reconciles', restart.reconciles?.toFixed(0)],
    ['— RSS, peak', `${mb(restart.rssMb)}, ${mb(restart.peakMb)}`],
  ];
  const told = rows.flatMap(([what, figure]) => (figure === undefined ? [] : `| ${what} | ${figure} |`));
  return [`| ${figures.models} Models, ${figures.servers} ModelServers | |`, '|---|---|', ...told].join('\n');
}

function processes(seconds: Record<string, number>): string {
  return Object.entries(seconds)
    .map(([name, each]) => `${name} ${s(each)}`)
    .join(', ');
}

const s = (seconds: number): string => `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
const ms = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
const mb = (megabytes: number): string => `${megabytes.toFixed(0)} MB`;

function response({ seen, inside }: Response): string {
  return `${latency(seen)}; event to first write ${latency(inside)}`;
}

function beside(measured: Response, alone: Response): string {
  const times = (measured.inside?.p99 ?? Number.NaN) / (alone.inside?.p99 ?? Number.NaN);
  return `${response(measured)}; p99 ${times.toFixed(1)} times that of one alone`;
}

function latency(measured: Latency | undefined): string {
  if (!measured) return 'not seen';
  const { count, p50, p99, max } = measured;
  return `p50 ${ms(p50)}, p99 ${ms(p99)}, max ${ms(max)} (n=${count})`;
}

function statusWrites(writes: StatusWrites | undefined): string | undefined {
  if (!writes) return undefined;
  const { mean, most, progress, other } = writes;
  return `${mean.toFixed(2)}, at most ${most}; progress ${progress.toFixed(2)}, other ${other.toFixed(2)}`;
}

function requests(each: Requests): string {
  const told = Object.entries(each).map(([key, count]) => `${key} ${Number(count.toFixed(2))}`);
  return told.length === 0 ? 'none' : told.join(', ');
}
