import type { z } from 'zod';
import type { ModelServer, ModelServerSpec } from '../../api/modelserver.ts';
import { models, modelServers } from '../../controllers/kinds.ts';
import { isConflict, isNotFound } from '../../kube/errors.ts';
import type { Kind, KubeObject, Live } from '../../kube/kind.ts';
import type { NamedSource } from '../../api/choices.ts';
import type { Connection } from '../connection.ts';
import { CliError, exitCodes, refusedBy } from '../failure.ts';
import { findModel, isObjectName, needModel } from '../lookup.ts';
import { nameOf, printOne, type Output } from '../output.ts';
import { standingOf } from '../follow.ts';
import type { Terminal } from '../terminal.ts';
import { untilLoaded, untilPulled } from '../watching.ts';
import { haveModel, modelFor, refuseChange, summaryOf } from './pull.ts';

interface ServerAsWritten extends KubeObject {
  spec: z.input<typeof ModelServerSpec>;
}
const serversAsWritten: Kind<ServerAsWritten> = { ...modelServers, schema: undefined };

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
  connection: Connection,
  terminal: Terminal,
  asked: string,
  source: NamedSource | undefined,
  again: string,
): Promise<string> {
  const found = await findModel(connection, asked, source);
  if (found && standingOf(found).at === 'ready') return found.metadata.name;
  const name = found?.metadata.name ?? (await pullNow(connection, asked, source));
  const model = await untilPulled(connection, terminal, name, { again, stop: `longshore rm ${name}` });
  terminal.err.write(`${summaryOf(model)}\n`);
  return name;
}

async function pullNow(
  connection: Connection,
  asked: string,
  source: NamedSource | undefined,
): Promise<string> {
  const wanted = modelFor(asked, { source });
  await haveModel(connection, wanted);
  return wanted.name;
}

export async function load(
  connection: Connection,
  terminal: Terminal,
  asked: string,
  options: LoadOptions,
): Promise<void> {
  const again = `longshore load ${asked}`;
  const model = await havePulled(connection, terminal, asked, options.source, again);
  const server = await haveLoaded(connection, terminal, model, options, again);
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
  connection: Connection,
  terminal: Terminal,
  model: string,
  { name = model, replicas, gpus, contextSize, parallel, wait }: LoadOptions,
  again: string,
): Promise<Live<ModelServer> | undefined> {
  const { client, namespace } = connection;
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
  try {
    await client.create(serversAsWritten, { metadata: { namespace, name }, spec });
  } catch (error) {
    if (!isConflict(error)) throw refusedBy(error, `load ${name}`);
    const there = await client.get(modelServers, { namespace, name });
    refuseChange(modelServers.kind, name, spec, there.spec);
  }
  if (!wait) return undefined;
  return untilLoaded(connection, terminal, name, { again, stop: `longshore unload ${name}` });
}

/** Deletes the server of this name, or that of the Model that is meant; the Model and its files stay. */
export async function unload(connection: Connection, terminal: Terminal, asked: string): Promise<void> {
  const { client, namespace } = connection;
  const name = isObjectName(asked) ? asked : (await needModel(connection, asked)).metadata.name;
  try {
    const { metadata, spec } = await client.get(modelServers, { namespace, name });
    await client.delete(modelServers, { namespace, name }, { preconditions: { uid: metadata.uid } });
    terminal.out.write(
      `${nameOf(modelServers, name)} deleted; ${nameOf(models, spec.modelRef.name)} stays\n`,
    );
  } catch (error) {
    if (!isNotFound(error)) throw refusedBy(error, `unload ${name}`);
    throw new CliError(
      exitCodes.notFound,
      `There is no ModelServer "${name}" in namespace ${namespace}.`,
      'See what is loaded with `longshore ps`.',
    );
  }
}
