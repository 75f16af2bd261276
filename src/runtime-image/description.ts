import type { Program } from '../http-server/openapi/document.ts';

/**
 * What /openapi.json says of the runtime as a whole.
 * @param withKeys whether requests need a key, where their route is not open
 */
export const description = (withKeys: boolean): Program => ({
  title: 'Longshore runtime',
  summary: 'One model, over the APIs of OpenAI and Ollama.',
  description:
    'Generated from the schemas that requests are checked by. A field that is not named here is refused.',
  meanings: {
    400: 'The request is not valid, or asks for what this server, or its model, does not do.',
    401: 'An API key is needed, or the one that was sent is none of this server.',
    404: 'There is no model of that name here.',
    413: 'The body is too large.',
    415: 'The body is not said to be JSON.',
    429: 'More requests wait than are let in.',
    500: 'The server failed. Its log says why.',
    501: 'Which models there are is said by objects of Kubernetes.',
    503: 'The model is still loading, there is no memory for what is asked, or the server is shutting down.',
  },
  keys: withKeys
    ? {
        schemes: {
          apiKey: {
            type: 'http',
            scheme: 'bearer',
            description: 'One of the keys in the Secret of spec.auth.',
          },
        },
        errors: [401],
      }
    : undefined,
});
