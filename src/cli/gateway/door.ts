import { setTimeout as pause } from 'node:timers/promises';
import type { Model } from '../../api/model.ts';
import type { ModelServer } from '../../api/modelserver.ts';
import { models, modelServers } from '../../controllers/kinds.ts';
import type { Kind, Live } from '../../kube/kind.ts';
import { GatewayVersion } from '../../protocols/gateway.ts';
import { tried, type Door, type DoorOptions } from '../door.ts';
import { CliError, exitCodes } from '../failure.ts';
import { loadBody, pullBody } from './bodies.ts';
import { toldBy } from './refusal.ts';
import { GatewayError, requestsTo, type Requests } from './requests.ts';

/** Milliseconds between two looks, and looks until what was just made is given up: a gateway sees it a moment later. */
const lookMs = 500;
const looks = 20;

/** The way through a gateway, with the scopes of the key. Asks it first who it is: rejects with CliError where that fails. */
export async function openGateway(options: DoorOptions & { server: string }, self: string): Promise<Door> {
  const requests = requestsTo(options);
  const { url } = requests;
  let gateway: GatewayVersion;
  try {
    gateway = await versionOf(requests);
  } catch (error) {
    await requests[Symbol.asyncDispose]();
    throw error;
  }
  const namespace = options.namespace ?? gateway.namespace ?? 'default';
  const canLook = gateway.namespace !== undefined && gateway.scopes.some((scope) => scope !== 'infer');
  const made = new Set<string>();

  const get = async <T extends Model | ModelServer>(
    kind: Kind<T>,
    name: string,
  ): Promise<Live<T> | undefined> => {
    try {
      return (await requests.json('GET', pathOf(kind, namespace, name))) as Live<T>;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw toldBy(url, error, tried.find(kind, name));
    }
  };
  const make = async <T extends Model | ModelServer>(
    kind: Kind<T>,
    name: string,
    path: string,
    body: object,
  ): Promise<Live<T> | undefined> => {
    const there = await get(kind, name);
    if (there) return there;
    try {
      await requests.begin('POST', path, { body });
      made.add(`${kind.kind} ${name}`);
      return undefined;
    } catch (error) {
      const isTaken = error instanceof GatewayError && error.code === 'name_taken';
      const theirs = isTaken ? await get(kind, name) : undefined;
      if (theirs) return theirs;
      throw toldBy(url, error, tried.make(kind, name));
    }
  };

  return {
    namespace,
    self,
    canLook,
    find: get,
    async list<T extends Model | ModelServer>(kind: Kind<T>, everywhere = false) {
      const where = everywhere ? '' : `?namespace=${encodeURIComponent(namespace)}`;
      try {
        return ((await requests.json('GET', `/objects/${kind.plural}${where}`)) as { items: Live<T>[] })
          .items;
      } catch (error) {
        throw toldBy(url, error, tried.list(kind));
      }
    },
    async *follow<T extends Model | ModelServer>(kind: Kind<T>, name: string, signal: AbortSignal) {
      const isExpected = made.has(`${kind.kind} ${name}`);
      try {
        yield* versions<T>(requests, pathOf(kind, namespace, name), isExpected, signal);
      } catch (error) {
        throw signal.aborted ? error : toldBy(url, error, tried.follow(kind, name));
      }
    },
    makeModel: (model) => make(models, model.metadata.name, '/models/pull', pullBody(model, namespace)),
    makeServer: (server) =>
      make(modelServers, server.metadata.name, '/models/load', loadBody(server, namespace)),
    async deleteModel({ metadata: { name } }, force) {
      if (force) {
        throw new CliError(
          exitCodes.usage,
          'A gateway takes no --force: it deletes no Model under a server that it did not make.',
          'Delete it with the kubeconfig, without --server; or unload first.',
        );
      }
      await requests.json('DELETE', `/models/${namespace}/${name}`).catch((error: unknown) => {
        throw toldBy(url, error, tried.remove(models, name));
      });
    },
    async deleteServer({ metadata: { name } }) {
      const body = { name: `${namespace}/${name}` };
      await requests.json('POST', '/models/unload', { body }).catch((error: unknown) => {
        throw toldBy(url, error, tried.remove(modelServers, name));
      });
    },
    wayTo: (server) =>
      Promise.resolve({
        url,
        model: canLook || options.namespace !== undefined ? `${namespace}/${server}` : server,
        apiKey: options.apiKey,
        send: requests.send,
        [Symbol.dispose]: () => undefined,
      }),
    reached: () => Promise.resolve({ program: 'gateway', version: gateway.version, at: url }),
    [Symbol.asyncDispose]: () => requests[Symbol.asyncDispose](),
  };
}

async function versionOf(requests: Requests): Promise<GatewayVersion> {
  try {
    const { data } = GatewayVersion.safeParse(await requests.json('GET', '/version'));
    if (data) return data;
    throw new GatewayError(200, undefined, 'it does not say its version');
  } catch (error) {
    throw toldBy(requests.url, error, 'reach the cluster');
  }
}

const pathOf = (kind: Kind<Model | ModelServer>, namespace: string, name: string): string =>
  `/objects/${kind.plural}/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`;

const isMissing = (error: unknown): boolean =>
  error instanceof GatewayError && error.code === 'object_not_found';

/** A gateway that ends, or is away for a moment, is asked again: another one may answer. */
async function* versions<T extends Model | ModelServer>(
  requests: Requests,
  path: string,
  isExpected: boolean,
  signal: AbortSignal,
): AsyncGenerator<Live<T> | undefined> {
  let wasSeen = false;
  for (let look = 1; ; look += 1) {
    try {
      for await (const line of requests.lines('GET', `${path}?follow=true`, { signal })) {
        const { object } = line as { object: Live<T> | null };
        if (object === null) {
          yield undefined;
          return;
        }
        wasSeen = true;
        yield object;
      }
    } catch (error) {
      const isAway = error instanceof GatewayError && (error.status === 0 || error.status >= 500);
      const isOnItsWay = isMissing(error) && isExpected && !wasSeen && look < looks;
      if (isMissing(error) && !isOnItsWay) {
        yield undefined;
        return;
      }
      if (!isOnItsWay && !(isAway && wasSeen)) throw error;
    }
    await pause(lookMs, undefined, { signal });
  }
}
