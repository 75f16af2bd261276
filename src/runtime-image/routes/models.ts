import type { ListedModel, ModelList } from '../../protocols/openai/models.ts';
import type { App } from '../app.ts';
import { modelNotFound } from '../errors.ts';
import type { RuntimeState } from '../state.ts';

/** GET /v1/models and one of them; names may have slashes in them. */
export function modelRoutes(app: App, state: RuntimeState): void {
  const model = (): ListedModel => ({
    id: state.servedName,
    object: 'model',
    created: Math.floor(state.startedAt.getTime() / 1000),
    owned_by: 'longshore',
  });

  app.get('/v1/models', (): ModelList => ({ object: 'list', data: [model()] }));

  app.get<{ Params: { '*': string } }>('/v1/models/*', (request): ListedModel => {
    const asked = request.params['*'];
    if (asked !== state.servedName) throw modelNotFound(asked, state.servedName);
    return model();
  });
}
