import type { Model } from '../api/model.ts';
import type { ModelServer } from '../api/modelserver.ts';
import { models, modelServers } from '../controllers/kinds.ts';
import { formatBytes } from '../controllers/text.ts';
import type { Kind, KubeObject, Live } from '../kube/kind.ts';
import { progressLine } from './bar.ts';
import type { Door } from './door.ts';
import { CliError, exitCodes } from './failure.ts';
import { standingOf, type Standing } from './standing.ts';
import { coloured, StatusLine, type Terminal } from './terminal.ts';

/** How a person comes back to what goes on in the cluster, when Ctrl-C leaves it. */
export interface Comeback {
  again: string;
  stop: string;
}

interface Watched<T extends KubeObject> {
  kind: Kind<T>;
  /** What is shown while it is under way: for a terminal, and for a log where lines stay. */
  lines: (object: Live<T>, standing: Standing, columns: number) => { line: string; plain: string };
}

const model: Watched<Model> = {
  kind: models,
  lines: ({ status }, { condition }, columns) => {
    const reason = condition?.reason ?? 'Waiting';
    const { progress } = status ?? {};
    if (progress && (reason === 'Pulling' || reason === 'Verifying')) {
      const tens = Math.floor(progress.percent / 10) * 10;
      const size = formatBytes(progress.totalBytes);
      return { line: progressLine(reason, progress, columns), plain: `${reason}: ${tens}% of ${size}` };
    }
    return told(reason, condition?.message, columns);
  },
};

const server: Watched<ModelServer> = {
  kind: modelServers,
  lines: ({ status }, { condition }, columns) => {
    const reason = condition?.reason ?? 'Waiting';
    const percent = status?.load?.percent;
    if (reason === 'Loading' && percent !== undefined) {
      const plain = `Loading: ${Math.floor(percent / 10) * 10}%`;
      return { line: progressLine('Loading', { percent }, columns), plain };
    }
    return told(reason, condition?.message, columns);
  },
};

function told(reason: string, message: string | undefined, columns: number): { line: string; plain: string } {
  const plain = message === undefined ? reason : `${reason}: ${message}`;
  return { line: plain.length < columns ? plain : `${plain.slice(0, columns - 2)}…`, plain };
}

/**
 * Shows how far a Model is until it is Ready, and answers with it. Rejects with CliError when only a person can help, when
 * it is gone, and when Ctrl-C leaves it.
 */
export const untilPulled = (door: Door, terminal: Terminal, name: string, comeback: Comeback) =>
  untilReady(door, terminal, model, name, comeback);

/** The same of a ModelServer: Ready when it answers. */
export const untilLoaded = (door: Door, terminal: Terminal, name: string, comeback: Comeback) =>
  untilReady(door, terminal, server, name, comeback);

async function untilReady<T extends Model | ModelServer>(
  door: Door,
  terminal: Terminal,
  { kind, lines }: Watched<T>,
  name: string,
  { again, stop }: Comeback,
): Promise<Live<T>> {
  const what = `${kind.kind} ${name}`;
  const status = new StatusLine(terminal);
  const leave = new AbortController();
  const detach = (): void => leave.abort();
  process.once('SIGINT', detach);
  let phase: string | undefined;
  try {
    for await (const object of door.follow(kind, name, leave.signal)) {
      if (!object) throw new CliError(exitCodes.notFound, `${what} was deleted meanwhile.`);
      const standing = standingOf(object);
      const { condition } = standing;
      if (standing.at === 'ready') return object;
      if (standing.at === 'stuck' || standing.at === 'held') {
        status.clear();
        throw new CliError(exitCodes.failed, `${what}: ${condition?.reason}: ${condition?.message}`);
      }
      // What was shown of a phase that is over stays to be read.
      if (phase !== undefined && phase !== condition?.reason) status.keep();
      phase = condition?.reason;
      const { line, plain } = lines(object, standing, terminal.columns());
      status.show(coloured(terminal, 'cyan', line), plain);
    }
    throw new Error('the versions of an object end with it');
  } catch (error) {
    if (!leave.signal.aborted) throw error;
    status.keep();
    throw new CliError(
      exitCodes.detached,
      `Left ${what}, which goes on in the cluster.`,
      `Come back with \`${again}\`; stop it with \`${stop}\`.`,
    );
  } finally {
    status.keep();
    process.off('SIGINT', detach);
  }
}
