import type { ListedModel, ModelList } from '../../protocols/openai/models.ts';
import type { App } from '../app.ts';
import { modelNotFound } from '../errors.ts';
import type { RuntimeState } from '../state.ts';

/** GET /v1/models, the model under each of its names, and one of them; names may have slashes in them. */
export function modelRoutes(app: App, state: RuntimeState): void {
  const model = (id: string): ListedModel => ({
    id,
    object: 'model',
    created: Math.floor(state.startedAt.getTime() / 1000),
    owned_by: 'longshore',
  });

  app.get('/v1/models', (): ModelList => ({ object: 'list', data: state.names.map(model) }));

  app.get<{ Params: { '*': string } }>('/v1/models/*', (request): ListedModel => {
    const asked = request.params['*'];
    if (!state.names.includes(asked)) throw modelNotFound(asked, state.servedName);
    return model(asked);
  });
}
