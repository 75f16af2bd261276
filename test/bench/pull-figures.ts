import { z } from 'zod';

const Part = z.enum(['near', 'far', 'killed']);
export type Part = z.infer<typeof Part>;

const Run = z.object({
  part: Part,
  client: z.string(),
  seconds: z.number(),
  cpuSeconds: z.number(),
  /** Of the largest process, in 2^20 bytes. */
  peakMb: z.number(),
  /** 10^6 bytes of the file, verified, in each second; of `killed`, by the second run. */
  megabytesPerSecond: z.number(),
  /** Bytes that the origin sent, as a multiple of the file; of `killed`, to both runs. */
  fetched: z.number(),
});
export type Run = z.infer<typeof Run>;

export const PullFigures = z.object({
  date: z.string(),
  machine: z.string(),
  node: z.string(),
  runs: z.array(Run),
});
export type PullFigures = z.infer<typeof PullFigures>;

const titles: Record<Part, string> = {
  near: 'as fast as it goes',
  far: '20 MB/s for each connection, 150 ms to the first byte',
  killed: 'SIGKILL at half, then again',
};

/** One part as Markdown. */
export function tableOf({ runs }: PullFigures, part: Part): string {
  const clients = [...new Set(runs.filter((run) => run.part === part).map(({ client }) => client))];
  const rows = clients.map((client) => {
    const own = runs.filter((run) => run.part === part && run.client === client);
    const of = (read: (run: Run) => number): number => median(own.map(read));
    const rates = own.map(({ megabytesPerSecond }) => megabytesPerSecond);
    const range = `${Math.min(...rates).toFixed(0)}–${Math.max(...rates).toFixed(0)}`;
    const cells = [
      client,
      String(own.length),
      `${of(({ megabytesPerSecond }) => megabytesPerSecond).toFixed(0)} (${range})`,
      of(({ seconds }) => seconds).toFixed(1),
      of(({ cpuSeconds }) => cpuSeconds).toFixed(1),
      of(({ peakMb }) => peakMb).toFixed(0),
      of(({ fetched }) => fetched).toFixed(3),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  const head = [titles[part], 'runs', 'MB/s verified', 'seconds', 'CPU s', 'peak MB', 'bytes fetched / size'];
  return [`| ${head.join(' | ')} |`, `|${'---|'.repeat(head.length)}`, ...rows].join('\n');
}

export interface Verdict {
  readonly met: boolean;
  readonly line: string;
}

const own = 'Longshore';

/** Medians against the targets, for the parts that were measured. */
export function verdicts({ runs }: PullFigures): Verdict[] {
  const of = (part: Part, read: (run: Run) => number, client = own): number | undefined => {
    const chosen = runs.filter((run) => run.part === part && run.client.startsWith(client)).map(read);
    return chosen.length === 0 ? undefined : median(chosen);
  };
  const rate = ({ megabytesPerSecond }: Run): number => megabytesPerSecond;
  const peers = [...new Set(runs.map(({ client }) => client))].filter((client) => client !== own);
  const best = peers.flatMap((client) => of('near', rate, client) ?? []);
  const twiceAria = of('far', rate, 'aria2');
  const told: (Verdict | undefined)[] = [
    atLeast(
      'as fast as it goes, MB/s, against 0.95 of the best peer',
      of('near', rate),
      best.length === 0 ? undefined : Math.max(...best) * 0.95,
    ),
    atLeast('far, MB/s, against twice aria2', of('far', rate), twiceAria && twiceAria * 2),
    ...(['near', 'far'] as const).flatMap((part) => [
      atMost(
        `${part}, peak MB`,
        of(part, ({ peakMb }) => peakMb),
        350,
      ),
      atMost(
        `${part}, bytes fetched / size`,
        of(part, ({ fetched }) => fetched),
        1.01,
      ),
    ]),
    atMost(
      'killed at half, bytes fetched / size',
      of('killed', ({ fetched }) => fetched),
      1.02,
    ),
  ];
  return told.filter((verdict) => verdict !== undefined);
}

function atLeast(what: string, figure: number | undefined, least: number | undefined): Verdict | undefined {
  if (figure === undefined || least === undefined) return undefined;
  return { met: figure >= least, line: `${what}: ${figure.toFixed(0)} of ${least.toFixed(0)}` };
}

function atMost(what: string, figure: number | undefined, most: number): Verdict | undefined {
  if (figure === undefined) return undefined;
  return { met: figure <= most, line: `${what}: ${Number(figure.toFixed(3))} of ${most}` };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
}
