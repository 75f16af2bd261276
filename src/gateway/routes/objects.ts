import { z } from 'zod';
import type { Model } from '../../api/model.ts';
import type { ModelServer } from '../../api/modelserver.ts';
import { models, modelServers } from '../../controllers/kinds.ts';
import { ndjsonHeaders, ndjsonStream } from '../../http-server/ndjson.ts';
import { json, lines, type Operation } from '../../http-server/openapi/operation.ts';
import { Refusal, refusalOf } from '../../http-server/refusal.ts';
import { formatKey, type Live } from '../../kube/kind.ts';
import type { Admission } from '../admission.ts';
import type { App } from '../app.ts';
import type { Following } from '../management/following.ts';
import type { Written } from '../management/objects.ts';
import { byName } from '../names.ts';

const Listed = z.strictObject({
  namespace: z.string().max(63).optional().describe('Those of one namespace; absent: of all.'),
});
const part = z.string().min(1).max(63);
const Named = z.strictObject({ namespace: part, object: part });
const Followed = z.strictObject({
  follow: z.stringbool().default(false).describe('Whether each version of it is told, as it comes.'),
});

const members = z.looseObject({});
const KubernetesObject = z
  .looseObject({
    apiVersion: z.string(),
    kind: z.string(),
    metadata: members,
    spec: members,
    status: members.optional(),
  })
  .describe('As the CustomResourceDefinition of its kind has it.')
  .meta({ title: 'KubernetesObject' });
const ObjectLine = z
  .object({
    object: KubernetesObject.nullable().describe(
      'As it is now; null when it is gone, which ends the stream.',
    ),
  })
  .meta({ title: 'ObjectLine' });

export interface ObjectRoutes {
  caches: { models: Written<Model>; servers: Written<ModelServer> };
  streams: { models: Following<Model>; servers: Following<ModelServer> };
  admission: Admission;
}

const read = { access: ['read', 'manage'] } as const;

/** Milliseconds after which an object is said again when nothing has changed: a connection without a byte is ended by many. */
const repeatMs = 15_000;

/** Models and ModelServers whole, as the cluster has them: what the command line shows of them, it shows through the gateway too. */
export function objectRoutes(app: App, { caches, streams, admission }: ObjectRoutes): void {
  const kinds = [
    { kind: models, cache: caches.models, stream: streams.models },
    { kind: modelServers, cache: caches.servers, stream: streams.servers },
  ];
  for (const { kind, cache, stream } of kinds) {
    const path = `/objects/${kind.plural}`;
    const list: Operation = {
      id: `list${kind.kind}Objects`,
      api: 'Management',
      summary: `Every ${kind.kind}, whole`,
      answers: { 200: [json(z.object({ items: z.array(KubernetesObject) }).meta({ title: 'Objects' }))] },
      errors: [400, 503],
    };
    app.get(
      path,
      { schema: { querystring: Listed }, config: { ...read, operation: list } },
      ({ query: { namespace } }) => {
        const all = byName<Live<Model> | Live<ModelServer>>(cache.list());
        return {
          items: all.filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace),
        };
      },
    );

    const one: Operation = {
      id: `get${kind.kind}Object`,
      api: 'Management',
      summary: `One ${kind.kind}, whole; or each version of it`,
      answers: { 200: [json(KubernetesObject), lines(ObjectLine)] },
      errors: [400, 404, 503],
    };
    app.get(
      `${path}/:namespace/:object`,
      { schema: { params: Named, querystring: Followed }, config: { ...read, operation: one } },
      (request, reply) => {
        const { namespace, object: name } = request.params;
        const object = cache.get(namespace, name);
        if (!object) {
          throw new Refusal(404, `There is no ${kind.kind} ${formatKey({ namespace, name })}.`, {
            code: 'object_not_found',
          });
        }
        if (!request.query.follow) return reply.send(object);
        const versions = stream.follow({ namespace, name }, admission.signalOf(request), repeatMs);
        const describe = (error: unknown) => ({ error: refusalOf(error).message });
        void reply.headers(ndjsonHeaders).send(ndjsonStream(untilGone(versions), describe));
        reply.raw.flushHeaders();
        return reply;
      },
    );
  }
}

async function* untilGone(
  versions: AsyncIterable<Live<Model> | Live<ModelServer> | undefined>,
): AsyncGenerator<{ object: object | null }> {
  for await (const object of versions) {
    yield { object: object ?? null };
    if (!object) return;
  }
}
