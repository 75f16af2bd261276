/** Ten thousand requests and 500 open streams through the gateway: `npm run load:gateway`. Exits with 1 where something was not as it should be, or was left. */
import { parseArgs } from 'node:util';
import { loadGateway, type LoadFigures } from './gateway-load.ts';

const usage = `Asks the gateway, a process in front of replicas that are played, as many do at once.

  node test/load/gateway.ts [--requests 10000] [--streams 500] [--clients 32] [--unread 20]
    --streams N   that are open at the same time
    --unread N    clients that do not read what they asked for`;

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '10000' },
    streams: { type: 'string', default: '500' },
    clients: { type: 'string', default: '32' },
    unread: { type: 'string', default: '20' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

if (values.help) console.log(usage);
else process.exitCode = await main();

async function main(): Promise<number> {
  const { requests, streams, clients, unread } = values;
  const options = {
    requests: Number(requests),
    streams: Number(streams),
    clients: Number(clients),
    unread: Number(unread),
  };
  if (!Object.values(options).every((value) => value > 0)) {
    console.error(usage);
    return 2;
  }
  const figures = await loadGateway(options);
  console.log(JSON.stringify(figures, undefined, 2));
  const { direct, through } = figures.latency;
  console.log(`through the gateway ${(through.p50 / direct.p50).toFixed(2)} times as long as without (p50)`);
  const problems = problemsOf(figures, options.streams);
  for (const problem of problems) console.error(problem);
  return problems.length === 0 ? 0 : 1;
}

function problemsOf({ wrong, open, left, complaints, memory }: LoadFigures, streams: number): string[] {
  return [
    ...wrong.slice(0, 10),
    ...complaints,
    ...(open.underway === streams ? [] : [`${open.underway} of ${streams} streams were open`]),
    ...(left.underway + left.connections === 0 ? [] : [`left: ${JSON.stringify(left)}`]),
    ...(Math.max(...Object.values(memory)) < 384
      ? []
      : ['more memory than three quarters of what the chart gives']),
  ];
}
