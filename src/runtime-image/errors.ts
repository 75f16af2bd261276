import type { OllamaError } from '../protocols/ollama/error.ts';
import type { ErrorBody } from '../protocols/openai/error.ts';
import { errorBody, ollamaErrorBody, Refusal, refusalOf } from '../http-server/refusal.ts';
import {
  ChatTemplateRefused,
  NotSupported,
  OutOfMemory,
  PromptTooLong,
  QueueFull,
  SchemaRefused,
} from './refusal.ts';

export const modelNotFound = (asked: string, served: readonly string[]) =>
  new Refusal(
    404,
    `The model '${asked}' does not exist here: this server serves '${served.join("', '")}'. Send ${served.length === 1 ? 'that name' : 'one of these names'}, or leave model out.`,
    {
      param: 'model',
      code: 'model_not_found',
    },
  );

export const stillLoading = (percent: number) =>
  new Refusal(503, `The model is still loading (${percent} %). Try again in a few seconds.`, {
    code: 'model_loading',
    retryAfter: 5,
  });

export const unauthorized = (message: string) => new Refusal(401, message, { code: 'invalid_api_key' });

export const shuttingDown = () =>
  new Refusal(503, 'This server is shutting down. Send the request again: another replica takes it.', {
    code: 'shutting_down',
    retryAfter: 1,
  });

/** Whatever was thrown, as what the client is told. Only an error of ours (5xx) keeps its words to itself. */
export function answerTo(error: unknown): Refusal {
  if (error instanceof PromptTooLong) {
    return new Refusal(400, error.message, { code: 'context_length_exceeded', cause: error });
  }
  if (error instanceof ChatTemplateRefused) {
    return new Refusal(400, error.message, { param: 'messages', code: 'invalid_messages', cause: error });
  }
  if (error instanceof QueueFull) {
    return new Refusal(429, error.message, { code: 'overloaded', retryAfter: 5, cause: error });
  }
  if (error instanceof SchemaRefused) {
    return new Refusal(400, error.message, { code: 'invalid_schema', cause: error });
  }
  if (error instanceof NotSupported) {
    return new Refusal(400, error.message, { code: 'unsupported', cause: error });
  }
  if (error instanceof OutOfMemory) {
    return new Refusal(503, error.message, { code: 'out_of_memory', retryAfter: 30, cause: error });
  }
  return refusalOf(error);
}

/** An error that comes when headers are out already. */
export const describeError = (error: unknown): ErrorBody => errorBody(answerTo(error));

/** The same in a stream of Ollama's API. */
export const describeToOllama = (error: unknown): OllamaError => ollamaErrorBody(answerTo(error));

/** The same in the stream of a response, which has events of its own kind. */
export function errorEvent(error: unknown) {
  const { message, param, code } = answerTo(error);
  return { type: 'error', sequence_number: 0, message, param, code };
}
