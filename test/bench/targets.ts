import type { Figures } from './figures.ts';

/** A figure that has to stay below a limit. */
interface Target {
  says: string;
  /** With how many Models it is looked at; absent: any. */
  at?: (models: number) => boolean;
  /** Undefined: it could not be measured, which counts as missed. */
  figure: (figures: Figures) => number | undefined;
  /** Allowed up to this. */
  most: number;
  unit: string;
}

const only = (size: number) => (models: number) => models === size;

/** LLMKube 907ac8d, of August 2026, was measured with two cores for everything, pods staying pending. */
const targets: readonly Target[] = [
  {
    says: 'one Model alone, create to first status, p50',
    figure: ({ alone }) => alone.seen?.p50,
    most: 20,
    unit: 'ms',
  },
  {
    says: '500 Models have a Job and a status (LLMKube 5.8 s)',
    at: only(500),
    figure: ({ created }) => created.seconds,
    most: 5.8,
    unit: 's',
  },
  {
    says: '2,000 Models have a Job and a status (LLMKube 27.3 s)',
    at: only(2000),
    figure: ({ created }) => created.seconds,
    most: 27.3,
    unit: 's',
  },
  {
    says: 'a Model beside the crowd while it is created, event to first write, p99',
    at: (models) => models >= 5000,
    figure: ({ besideCreating }) => besideCreating.inside?.p99,
    most: 100,
    unit: 'ms',
  },
  {
    says: 'a Model beside the crowd while it settles, event to first write, p99',
    at: (models) => models >= 5000,
    figure: ({ besideSettling }) => besideSettling.inside?.p99,
    most: 100,
    unit: 'ms',
  },
  {
    says: 'status writes of a Model from create to Ready, at most',
    figure: ({ writesPerModel }) => writesPerModel.most,
    most: 4,
    unit: '',
  },
  {
    says: 'writes that left the status as it was, per Model',
    figure: ({ writesPerModel }) => writesPerModel.other,
    most: 0,
    unit: '',
  },
  { says: 'writes per child', figure: writesPerChild, most: 1, unit: '' },
  { says: 'writes while idle, sent', figure: ({ idle }) => idle.writes, most: 0, unit: '' },
  { says: 'writes while idle, seen', figure: ({ idle }) => idle.seenWrites, most: 0, unit: '' },
  {
    says: 'CPU while idle',
    at: (models) => models <= 2000,
    figure: ({ idle }) => (idle.cpuSeconds / idle.seconds) * 100,
    most: 1,
    unit: '% of a core',
  },
  {
    says: 'RSS when settled',
    at: (models) => models >= 5000,
    figure: ({ settled }) => settled.rssMb,
    most: 250,
    unit: 'MB',
  },
  {
    says: 'RSS after a restart',
    at: (models) => models >= 5000,
    figure: ({ restart }) => restart.rssMb,
    most: 250,
    unit: 'MB',
  },
  {
    says: 'restart to settled',
    at: (models) => models >= 5000,
    figure: ({ restart }) => restart.settledSeconds,
    most: 10,
    unit: 's',
  },
  {
    says: 'restart to settled with 2,000 (LLMKube 1.5 s)',
    at: only(2000),
    figure: ({ restart }) => restart.settledSeconds,
    most: 1.5,
    unit: 's',
  },
  { says: 'writes of a restart', figure: ({ restart }) => restart.writes, most: 0, unit: '' },
  { says: 'graceful stop', figure: ({ restart }) => restart.stopSeconds, most: 2, unit: 's' },
];

/** Of sizes from here on, cost per object is compared: below, what a start costs shows. */
const flatFrom = 500;
const flatWithin = 0.15;

export interface Verdict {
  met: boolean;
  line: string;
}

export function verdicts(results: readonly Figures[]): Verdict[] {
  const each = results.flatMap((figures) =>
    targets
      .filter(({ at }) => at?.(figures.models) ?? true)
      .map((target) => {
        const figure = target.figure(figures);
        const met = figure !== undefined && figure <= target.most;
        const told = figure === undefined ? 'not measured' : round(figure);
        return {
          met,
          line: `${figures.models}: ${target.says}: ${told} of ${target.most} ${target.unit}`.trimEnd(),
        };
      }),
  );
  return [...each, ...flatness(results)];
}

/** CPU and requests per object, from the smallest to the largest. */
function flatness(results: readonly Figures[]): Verdict[] {
  const compared = results.filter(({ models }) => models >= flatFrom).sort((a, b) => a.models - b.models);
  const [small, large] = [compared[0], compared.at(-1)];
  if (!small || !large || small === large) return [];
  const total = ({ perModel }: Figures): number =>
    Object.values(perModel.requests).reduce((sum, count) => sum + count, 0);
  const pairs = [
    ['CPU', 'ms', small.perModel.cpuMs, large.perModel.cpuMs],
    ['requests', '', total(small), total(large)],
  ] as const;
  return pairs.map(([what, unit, from, to]) => ({
    met: to <= from * (1 + flatWithin),
    line: `${what} per Model: ${round(from)} ${unit} at ${small.models}, ${round(to)} ${unit} at ${large.models}, allowed ${flatWithin * 100} % more`,
  }));
}

/** A Model has two Jobs and a claim; a ModelServer of one replica a Service, an account and a Deployment. */
function writesPerChild({ perModel: { requests }, servers }: Figures): number {
  const written = ['jobs', 'persistentvolumeclaims', 'services', 'serviceaccounts', 'deployments']
    .flatMap((kind) => ['PATCH', 'POST', 'PUT', 'DELETE'].map((method) => requests[`${method} ${kind}`] ?? 0))
    .reduce((sum, count) => sum + count, 0);
  return written / (servers > 0 ? 6 : 3);
}

const round = (value: number): string => String(Number(value.toPrecision(3)));
