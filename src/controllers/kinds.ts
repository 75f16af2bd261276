import { apiVersion } from '../api/kubernetes.ts';
import { Model } from '../api/model.ts';
import { ModelServer } from '../api/modelserver.ts';
import type { Kind } from '../kube/kind.ts';

export const models: Kind<Model> = {
  apiVersion,
  kind: 'Model',
  plural: 'models',
  namespaced: true,
  schema: Model,
};
export const modelServers: Kind<ModelServer> = {
  apiVersion,
  kind: 'ModelServer',
  plural: 'modelservers',
  namespaced: true,
  schema: ModelServer,
};
