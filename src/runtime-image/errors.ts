import type { OllamaError } from '../protocols/ollama/error.ts';
import type { ErrorBody } from '../protocols/openai/error.ts';
import {
  ChatTemplateRefused,
  NotSupported,
  OutOfMemory,
  PromptTooLong,
  QueueFull,
  SchemaRefused,
} from './refusal.ts';

/** An answer that says no, in OpenAI's words: https://platform.openai.com/docs/guides/error-codes */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly param: string | null;
  readonly code: string | null;
  /** Seconds until it is worth trying again. */
  readonly retryAfter: number | undefined;

  constructor(
    status: number,
    message: string,
    details: { param?: string; code?: string; retryAfter?: number; cause?: unknown } = {},
  ) {
    super(message, { cause: details.cause });
    this.status = status;
    this.param = details.param ?? null;
    this.code = details.code ?? null;
    this.retryAfter = details.retryAfter;
  }
}

export const modelNotFound = (asked: string, served: readonly string[]) =>
  new ApiError(
    404,
    `The model '${asked}' does not exist here: this server serves '${served.join("', '")}'. Send ${served.length === 1 ? 'that name' : 'one of these names'}, or leave model out.`,
    {
      param: 'model',
      code: 'model_not_found',
    },
  );

export const stillLoading = (percent: number) =>
  new ApiError(503, `The model is still loading (${percent} %). Try again in a few seconds.`, {
    code: 'model_loading',
    retryAfter: 5,
  });

export const unauthorized = (message: string) => new ApiError(401, message, { code: 'invalid_api_key' });

export const routeNotFound = (method: string, url: string) =>
  new ApiError(
    404,
    `Unknown request URL: ${method} ${url}. There are /v1/models, /v1/completions, /v1/chat/completions, /v1/responses, /v1/embeddings and /v1/rerank, and of Ollama's API /api/chat, /api/generate, /api/embed, /api/show, /api/tags, /api/ps and /api/version. /openapi.json describes them.`,
    {
      code: 'unknown_url',
    },
  );

/** @param allowed the methods that the URL has */
export const methodNotAllowed = (method: string, url: string, allowed: readonly string[]) =>
  new ApiError(
    405,
    `${url} is not there for ${method}: send ${allowed.join(' or ')}${allowed.includes('POST') ? ', with JSON as the body' : ''}.`,
    { code: 'method_not_allowed' },
  );

export const shuttingDown = () =>
  new ApiError(503, 'This server is shutting down. Send the request again: another replica takes it.', {
    code: 'shutting_down',
    retryAfter: 1,
  });

/** Whatever was thrown, as what the client is told. Only an error of ours (5xx) keeps its words to itself. */
export function apiErrorOf(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof PromptTooLong) {
    return new ApiError(400, error.message, { code: 'context_length_exceeded', cause: error });
  }
  if (error instanceof ChatTemplateRefused) {
    return new ApiError(400, error.message, { param: 'messages', code: 'invalid_messages', cause: error });
  }
  if (error instanceof QueueFull) {
    return new ApiError(429, error.message, { code: 'overloaded', retryAfter: 5, cause: error });
  }
  if (error instanceof SchemaRefused) {
    return new ApiError(400, error.message, { code: 'invalid_schema', cause: error });
  }
  if (error instanceof NotSupported) {
    return new ApiError(400, error.message, { code: 'unsupported', cause: error });
  }
  if (error instanceof OutOfMemory) {
    return new ApiError(503, error.message, { code: 'out_of_memory', retryAfter: 30, cause: error });
  }
  if (error instanceof Error && 'statusCode' in error) {
    const status = Number(error.statusCode);
    if (status === 413)
      return new ApiError(413, 'The body is larger than the 8 MiB that are taken.', { cause: error });
    if (status >= 400 && status < 500) return new ApiError(status, error.message, { cause: error });
  }
  return new ApiError(500, 'The server failed to answer. Its log says why.', { cause: error });
}

export function errorBody({ status, message, param, code }: ApiError): ErrorBody {
  return { error: { message, type: typeOf(status), param, code } };
}

export const ollamaErrorBody = ({ message }: ApiError): OllamaError => ({ error: message });

/** An error that comes when headers are out already. */
export const describeError = (error: unknown): ErrorBody => errorBody(apiErrorOf(error));

/** The same in a stream of Ollama's API. */
export const describeToOllama = (error: unknown): OllamaError => ollamaErrorBody(apiErrorOf(error));

/** The same in the stream of a response, which has events of its own kind. */
export function errorEvent(error: unknown) {
  const { message, param, code } = apiErrorOf(error);
  return { type: 'error', sequence_number: 0, message, param, code };
}

function typeOf(status: number): string {
  if (status >= 500) return 'server_error';
  return status === 429 ? 'rate_limit_error' : 'invalid_request_error';
}
