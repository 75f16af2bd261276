/** metav1.Status, as far as it is read here. */
export interface StatusBody {
  code?: number;
  reason?: string;
  message?: string;
  details?: { retryAfterSeconds?: number; causes?: { reason?: string; message?: string; field?: string }[] };
}

export interface ApiErrorInit {
  status: number;
  reason: string;
  message: string;
  retryAfterSeconds?: number | undefined;
  causes?: string[] | undefined;
  cause?: unknown;
}

/**
 * A request that did not succeed. `status` is the HTTP status and `reason` that of metav1.Status (`NotFound`,
 * `Conflict`, `Invalid`, ...); when no answer came, status is 0 and reason `Unreachable` or `Timeout`.
 */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly reason: string;
  /** How long the server asks to be left alone. */
  readonly retryAfterSeconds: number | undefined;
  /** The reasons of `details.causes`, e.g. `FieldValueInvalid`, `ResourceVersionTooLarge`. */
  readonly causes: readonly string[];

  constructor(init: ApiErrorInit) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause });
    this.status = init.status;
    this.reason = init.reason;
    this.retryAfterSeconds = init.retryAfterSeconds;
    this.causes = init.causes ?? [];
  }
}

/** `what` says which request it was, e.g. `PATCH /apis/batch/v1/namespaces/default/jobs/pull`. */
export function apiErrorFrom(what: string, status: number, body: string, retryAfter?: string): ApiError {
  const answer = parseStatus(body);
  // How apply says that the name belongs to another object by now: a field error for what is a failed precondition.
  const isOther = answer.details?.causes?.some((cause) => cause.field === 'metadata.uid') === true;
  const seconds = Number(retryAfter ?? answer.details?.retryAfterSeconds ?? Number.NaN);
  return new ApiError({
    status: isOther ? 409 : (answer.code ?? status),
    reason: isOther ? 'Conflict' : (answer.reason ?? reasonOfStatus[status] ?? 'Unknown'),
    message: `${what}: ${answer.message ?? (body.trim().slice(0, 500) || `HTTP ${status}`)}`,
    retryAfterSeconds: Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined,
    causes: answer.details?.causes?.flatMap((cause) => cause.reason ?? []),
  });
}

/** For answers that are no Status: a proxy's page, an API server that is still starting. */
const reasonOfStatus: Record<number, string> = {
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  410: 'Expired',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

function parseStatus(body: string): StatusBody {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}

/** A stale resourceVersion, a uid precondition that failed, or a name that is taken. */
export function isConflict(error: unknown): boolean {
  return error instanceof ApiError && error.status === 409;
}
