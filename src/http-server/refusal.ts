import type { OllamaError } from '../protocols/ollama/error.ts';
import type { ErrorBody } from '../protocols/openai/error.ts';

/** An answer that says no: what happened, to what, and what to do next. The words are OpenAI's: https://platform.openai.com/docs/guides/error-codes */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  /** Of HTTP. */
  readonly status: number;
  /** `error.code` of OpenAI's API; null where the message says it all (`invalid_request`), and for an error of the server's own. */
  readonly code: string | null;
  /** The field of the request that is at fault. */
  readonly param: string | null;
  /** Seconds until it is worth trying again. */
  readonly retryAfter: number | undefined;

  constructor(
    status: number,
    message: string,
    details: { param?: string; code?: string; retryAfter?: number; cause?: unknown } = {},
  ) {
    super(message, { cause: details.cause });
    this.status = status;
    this.code = details.code ?? null;
    this.param = details.param ?? null;
    this.retryAfter = details.retryAfter;
  }
}

/** Whatever was thrown, as what the client is told. Only an error of the server's own (5xx) keeps its words to the log. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof Error && 'statusCode' in error) {
    const status = Number(error.statusCode);
    if (status === 413)
      return new Refusal(413, 'The body is larger than the 8 MiB that are taken.', { cause: error });
    if (status >= 400 && status < 500) return new Refusal(status, error.message, { cause: error });
  }
  return new Refusal(500, 'The server failed to answer. Its log says why.', { cause: error });
}

/** Whether a URL belongs to Ollama's API, whose errors have a shape of their own. */
export const isOllamas = (url: string): boolean => url.startsWith('/api/');

/** @param url of the request: each API has a shape for errors */
export function bodyOf(refusal: Refusal, url: string): ErrorBody | OllamaError {
  return isOllamas(url) ? ollamaErrorBody(refusal) : errorBody(refusal);
}

export function errorBody({ status, message, param, code }: Refusal): ErrorBody {
  const its = code ?? (status < 500 ? 'invalid_request' : null);
  return { error: { message, type: typeOf(status), param, code: its } };
}

export const ollamaErrorBody = ({ message }: Refusal): OllamaError => ({ error: message });

function typeOf(status: number): string {
  if (status >= 500) return 'server_error';
  return status === 429 ? 'rate_limit_error' : 'invalid_request_error';
}
