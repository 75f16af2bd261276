import { ListedModel, ModelList } from '../../protocols/openai/models.ts';
import type { App } from '../app.ts';
import { modelNotFound } from '../errors.ts';
import type { Operation } from '../../http-server/openapi/operation.ts';
import { json } from '../../http-server/openapi/operation.ts';
import type { RuntimeState } from '../state.ts';
import { namesOf } from './asked.ts';

const list: Operation = {
  id: 'listModels',
  api: 'OpenAI',
  summary: 'The model that is served, under each of its names',
  answers: { 200: [json(ModelList)] },
  errors: [],
};

const one: Operation = {
  id: 'retrieveModel',
  api: 'OpenAI',
  summary: 'The model that is served',
  answers: { 200: [json(ListedModel)] },
  errors: [400, 404],
  wildcard: 'model',
};

/** GET /v1/models, the model under each of its names, and one of them; names may have slashes in them. */
export function modelRoutes(app: App, state: RuntimeState): void {
  const { servedName, names, adapterNames } = state;
  const listed = (id: string): ListedModel => ({
    id,
    object: 'model',
    created: Math.floor(state.startedAt.getTime() / 1000),
    owned_by: 'longshore',
    ...(!names.includes(id) && { parent: servedName }),
  });

  app.get('/v1/models', { config: { operation: list } }, (): ModelList => ({
    object: 'list',
    data: namesOf(state).map(listed),
  }));

  app.get<{ Params: { '*': string } }>(
    '/v1/models/*',
    { config: { operation: one } },
    (request): ListedModel => {
      const asked = request.params['*'];
      if (!namesOf(state).includes(asked)) throw modelNotFound(asked, [servedName, ...adapterNames]);
      return listed(asked);
    },
  );
}
