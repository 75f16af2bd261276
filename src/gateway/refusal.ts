import type { OllamaError } from '../protocols/ollama/error.ts';
import type { ErrorBody } from '../protocols/openai/error.ts';

/** An answer of the gateway's own that says no: what happened, to what, and what to do next. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  /** `error.code` of OpenAI's API; null for an error of the gateway's own. */
  readonly code: string | null;
  /** The field of the request that is at fault. */
  readonly param: string | null;
  /** Seconds until it is worth trying again. */
  readonly retryAfter: number | undefined;

  constructor(
    status: number,
    message: string,
    details: { code?: string; param?: string; retryAfter?: number; cause?: unknown } = {},
  ) {
    super(message, { cause: details.cause });
    this.status = status;
    this.code = details.code ?? null;
    this.param = details.param ?? null;
    this.retryAfter = details.retryAfter;
  }
}

/** Whatever was thrown, as what the client is told. An error of the gateway's own keeps its words to the log. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof Error && 'statusCode' in error) {
    const status = Number(error.statusCode);
    if (status >= 400 && status < 500) {
      return new Refusal(status, error.message, { code: 'invalid_request', cause: error });
    }
  }
  return new Refusal(500, 'The gateway failed to answer. Its log says why.', { cause: error });
}

/** Whether a URL belongs to Ollama's API, whose errors have a shape of their own. */
export const isOllamas = (url: string): boolean => url.startsWith('/api/');

/** The body of the answer, in the shape of the API that was asked. */
export function bodyOf({ status, message, param, code }: Refusal, url: string): ErrorBody | OllamaError {
  if (isOllamas(url)) return { error: message };
  return { error: { message, type: typeOf(status), param, code } };
}

/** As https://platform.openai.com/docs/guides/error-codes has them. */
function typeOf(status: number): string {
  if (status >= 500) return 'server_error';
  return status === 429 ? 'rate_limit_error' : 'invalid_request_error';
}
