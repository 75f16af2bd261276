import type { Model } from '../../api/model.ts';
import type { ModelServer } from '../../api/modelserver.ts';
import { models, modelServers } from '../../controllers/kinds.ts';
import { forceDeleteAnnotation } from '../../controllers/labels.ts';
import { deployments } from '../../kube/builtin.ts';
import { isConflict } from '../../kube/errors.ts';
import type { Kind, KubeObject, Live } from '../../kube/kind.ts';
import { tried, type Door, type DoorOptions, type NewModel, type NewServer } from '../door.ts';
import { exitCodes } from '../failure.ts';
import { openConnection, type Connection } from './connection.ts';
import { forwardTo } from './forward.ts';
import { refusedBy } from './refusal.ts';
import { versionsOf } from './versions.ts';

const modelsAsWritten: Kind<NewModel> = { ...models, schema: undefined };
const serversAsWritten: Kind<NewServer> = { ...modelServers, schema: undefined };

/** The way through the API server, with the rights of the kubeconfig. */
export function openCluster(options: DoorOptions, self: string): Door {
  const connection = openConnection(options);
  const { client, namespace } = connection;

  const find = async <T extends KubeObject>(kind: Kind<T>, name: string): Promise<Live<T> | undefined> => {
    try {
      return await client.get(kind, { namespace, name });
    } catch (error) {
      const refusal = refusedBy(error, tried.find(kind, name));
      if (refusal.exitCode !== exitCodes.notFound) throw refusal;
      return undefined;
    }
  };
  /** The one of the name that is there already is no fault. */
  const make = async <T extends Model | ModelServer, N extends NewModel | NewServer>(
    kind: Kind<T>,
    asWritten: Kind<N>,
    object: N & { metadata: { name: string } },
  ): Promise<Live<T> | undefined> => {
    const { name } = object.metadata;
    try {
      await client.create(asWritten, { ...object, metadata: { namespace, name } });
      return undefined;
    } catch (error) {
      if (isConflict(error)) return find(kind, name);
      throw refusedBy(error, tried.make(kind, name));
    }
  };
  const remove = async <T extends KubeObject>(kind: Kind<T>, { metadata }: Live<T>): Promise<void> => {
    const { name, uid } = metadata;
    try {
      await client.delete(kind, { namespace, name }, { preconditions: { uid } });
    } catch (error) {
      throw refusedBy(error, tried.remove(kind, name));
    }
  };

  return {
    namespace,
    self,
    canLook: true,
    find,
    list: (kind, everywhere = false) => listAll(connection, kind, everywhere),
    async *follow(kind, name, signal) {
      try {
        yield* versionsOf(client, kind, { namespace, name }, signal);
      } catch (error) {
        throw signal.aborted ? error : refusedBy(error, tried.follow(kind, name));
      }
    },
    makeModel: (model) => make(models, modelsAsWritten, model),
    makeServer: (server) => make(modelServers, serversAsWritten, server),
    async deleteModel(model, force) {
      if (force) {
        const { name } = model.metadata;
        const annotations = { [forceDeleteAnnotation]: 'true' };
        await client
          .patch(models, { namespace, name }, { metadata: { annotations } })
          .catch((error: unknown) => {
            throw refusedBy(error, tried.remove(models, name));
          });
      }
      await remove(models, model);
    },
    deleteServer: (server) => remove(modelServers, server),
    async wayTo(server) {
      const forward = await forwardTo(connection, server, self);
      return {
        url: forward.url,
        model: server,
        apiKey: options.apiKey,
        send: fetch,
        [Symbol.dispose]: () => forward[Symbol.dispose](),
      };
    },
    reached: () => operatorOf(connection),
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  };
}

async function listAll<T extends KubeObject>(
  { client, namespace }: Connection,
  kind: Kind<T>,
  everywhere: boolean,
): Promise<Live<T>[]> {
  const where = everywhere ? {} : { namespace };
  const all: Live<T>[] = [];
  try {
    let next: string | undefined;
    do {
      const page = await client.list(kind, { ...where, limit: 500, continue: next });
      all.push(...page.items);
      next = page.continue;
    } while (next !== undefined);
  } catch (error) {
    throw refusedBy(error, tried.list(kind));
  }
  return all;
}

/** By the labels that the chart puts on the operator's Deployment, wherever that is. */
async function operatorOf({ client }: Connection): ReturnType<Door['reached']> {
  const labelSelector = 'app.kubernetes.io/name=longshore-operator';
  try {
    const [found] = (await client.list(deployments, { labelSelector })).items;
    const { labels, namespace } = found?.metadata ?? {};
    return { program: 'operator', version: labels?.['app.kubernetes.io/version'], at: namespace };
  } catch (error) {
    throw refusedBy(error, 'look for the operator');
  }
}
