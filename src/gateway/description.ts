import type { Program } from '../http-server/openapi/document.ts';

const key = 'A key of the gateway: one whose SHA-256 is in the Secret of gateway.auth.';

/**
 * What /openapi.json says of the gateway as a whole. The codes are those of `error.code`.
 * @param withKeys whether requests need a key, where their route is not open
 */
export const description = (withKeys: boolean): Program => ({
  title: 'Longshore gateway',
  summary:
    'Every model of a cluster at one address, over the APIs of OpenAI and Ollama; and their management.',
  description:
    'Generated from the schemas that requests are checked by. What asks a model is checked by the server that has it: a field that is not named here is refused there.',
  meanings: {
    400: 'The request is not valid: `param` is the field. `invalid_request`; `model_required`: it names no model; from a server also what that server, or its model, does not do.',
    401: '`invalid_api_key`: a key is needed, or the one that was sent is none of the gateway, or of the server behind it.',
    403: '`insufficient_scope`: the key may do other things. `endpoint_not_allowed`: the hub may not be named here. `forbidden`: the cluster does not let the gateway do it.',
    404: '`model_not_found`: nothing has this name. `model_not_loaded`: it is pulled, and no server has it. `not_found`: the hub does not have it. `namespace_not_found`: the namespace is not there. `model_deleted`: it went while it was waited for.',
    409: '`name_taken`: another has the name. `managed_elsewhere`: somebody else wrote the object. `scaled_to_zero`: somebody scaled it so. `model_failed`: a person has to change something. `conflict`: it has changed meanwhile.',
    413: 'The body is larger than 8 MiB.',
    415: 'The body is not said to be JSON.',
    429: 'More requests wait for the model than are let in.',
    500: 'The gateway, or the server, failed. Its log says why.',
    502: '`replica_failed`: a pod broke off before it answered. `hub_failed`: the hub cannot be asked now.',
    503: '`model_not_ready`: it is being pulled or loaded, or is scaled to zero. `model_failed`: a person has to change something. `no_replica`: no pod could be reached. `overloaded`: there are as many requests as are taken. `cluster_unreachable`: the API server does not answer. `shutting_down`: ask again. Or what a server says.',
    504: '`timeout`: a pod sent nothing for too long, or the request took too long.',
  },
  keys: withKeys
    ? {
        schemes: {
          apiKey: { type: 'http', scheme: 'bearer', description: key },
          apiKeyHeader: {
            type: 'apiKey',
            in: 'header',
            name: 'X-API-Key',
            description: `${key} It goes before Authorization, which is then for the server behind the gateway.`,
          },
        },
        errors: [401, 403],
      }
    : undefined,
});
