import type { ModelServer } from '../../api/modelserver.ts';
import type { NamedSource } from '../../api/choices.ts';
import { models, modelServers } from '../../controllers/kinds.ts';
import type { Live } from '../../kube/kind.ts';
import type { Door } from '../door.ts';
import { CliError, exitCodes } from '../failure.ts';
import { findModel, isObjectName } from '../lookup.ts';
import { modelFor } from '../new-model.ts';
import { nameOf, printOne, type Output } from '../output.ts';
import { standingOf } from '../standing.ts';
import type { Terminal } from '../terminal.ts';
import { untilLoaded, untilPulled } from '../watching.ts';
import { haveModel, refuseChange, summaryOf } from './pull.ts';

export interface LoadOptions {
  /** Of the server; default: that of the Model. */
  name?: string | undefined;
  source?: NamedSource | undefined;
  replicas?: number | undefined;
  /** 0: it computes on CPUs. */
  gpus?: number | undefined;
  contextSize?: number | undefined;
  parallel?: number | undefined;
  wait: boolean;
  output?: Output;
}

/** The Model that is meant, pulled first where it is not there yet. */
export async function havePulled(
  door: Door,
  terminal: Terminal,
  asked: string,
  source: NamedSource | undefined,
  again: string,
): Promise<string> {
  const found = await findModel(door, asked, source);
  if (found && standingOf(found).at === 'ready') return found.metadata.name;
  const name = found?.metadata.name ?? (await pullNow(door, asked, source));
  const model = await untilPulled(door, terminal, name, { again, stop: `${door.self} rm ${name}` });
  terminal.err.write(`${summaryOf(model)}\n`);
  return name;
}

async function pullNow(door: Door, asked: string, source: NamedSource | undefined): Promise<string> {
  const wanted = modelFor(asked, { source });
  await haveModel(door, wanted);
  return wanted.metadata.name;
}

export async function load(
  door: Door,
  terminal: Terminal,
  asked: string,
  options: LoadOptions,
): Promise<void> {
  const again = `${door.self} load ${asked}`;
  const model = await havePulled(door, terminal, asked, options.source, again);
  const server = await haveLoaded(door, terminal, model, options, again);
  if (!server) {
    terminal.out.write(`${nameOf(modelServers, options.name ?? model)} is being loaded.\n`);
    return;
  }
  const { ready, endpoint } = server.status ?? {};
  const text = `Server ${server.metadata.name} is ready (${ready}) at ${endpoint}.`;
  printOne(terminal, options.output, modelServers, server, text);
}

/** Has a server of the Model there, and answers with it when it is Ready; undefined without waiting. */
export async function haveLoaded(
  door: Door,
  terminal: Terminal,
  model: string,
  { name = model, replicas, gpus, contextSize, parallel, wait }: LoadOptions,
  again: string,
): Promise<Live<ModelServer> | undefined> {
  const runtime = {
    ...(contextSize !== undefined && { contextSize }),
    ...(parallel !== undefined && { parallel }),
  };
  const spec = {
    modelRef: { name: model },
    ...(replicas !== undefined && { replicas }),
    ...(gpus !== undefined && { gpu: { count: gpus } }),
    ...(Object.keys(runtime).length > 0 && { runtime }),
  };
  const there = await door.makeServer({ metadata: { name }, spec });
  if (there) refuseChange(modelServers.kind, name, spec, there.spec);
  if (!wait) return undefined;
  return untilLoaded(door, terminal, name, { again, stop: `${door.self} unload ${name}` });
}

/** Deletes the server of this name, or that of the Model that is meant; the Model and its files stay. */
export async function unload(door: Door, terminal: Terminal, asked: string): Promise<void> {
  const server = await serverMeant(door, asked);
  await door.deleteServer(server);
  terminal.out.write(
    `${nameOf(modelServers, server.metadata.name)} deleted; ${nameOf(models, server.spec.modelRef.name)} stays\n`,
  );
}

async function serverMeant(door: Door, asked: string): Promise<Live<ModelServer>> {
  const own = isObjectName(asked) ? await door.find(modelServers, asked) : undefined;
  if (own) return own;
  const name = (await findModel(door, asked))?.metadata.name;
  const serving =
    name === undefined
      ? []
      : (await door.list(modelServers)).filter(({ spec }) => spec.modelRef.name === name);
  const [first, ...others] = serving;
  if (first && others.length === 0) return first;
  if (first) {
    const names = serving.map(({ metadata }) => metadata.name);
    throw new CliError(
      exitCodes.failed,
      `Model ${name} is served by ${names.join(', ')}: "${asked}" does not say which.`,
      `Name one: ${names.map((each) => `\`${door.self} unload ${each}\``).join(', ')}.`,
    );
  }
  throw new CliError(
    exitCodes.notFound,
    name === undefined
      ? `There is no ModelServer "${asked}" in namespace ${door.namespace}.`
      : `Model ${name} is served by no ModelServer in namespace ${door.namespace}.`,
    `See what is loaded with \`${door.self} ps\`.`,
  );
}
