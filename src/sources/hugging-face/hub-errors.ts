import { commonRefusal } from '../ask.ts';
import { header, type HttpAnswer } from '../http/http.ts';
import { SourceError } from '../source.ts';

/** What was asked for, for messages. */
export interface HubQuestion {
  readonly endpoint: string;
  readonly repo: string;
  readonly revision: string;
  readonly path?: string;
  /** Of the file at the path. */
  readonly sizeBytes?: number;
  /** Whether a token went along. */
  readonly withToken: boolean;
}

/** Larger files huggingface_hub does not ask for over plain HTTP (`MAX_HTTP_DOWNLOAD_SIZE`). */
const largestPlainBytes = 50e9;

/**
 * Says what a refusal means. The hub tells its refusals apart by `X-Error-Code`, not by the status: a missing repository
 * is 401 to an anonymous client, and a gated one is 401 or 403 (huggingface_hub, `hf_raise_for_status`).
 */
export function hubError(
  answer: Pick<HttpAnswer, 'status' | 'headers' | 'origin'>,
  question: HubQuestion,
): SourceError {
  const { endpoint, repo, revision, path, withToken } = question;
  const { status } = answer;
  const says = header(answer.headers, 'x-error-message')?.slice(0, 300);
  const quoted = says === undefined ? '' : ` The hub says: ${says}`;
  const code = header(answer.headers, 'x-error-code');
  if (code === undefined && isXetOnly(answer, question)) {
    const size = question.sizeBytes === undefined ? '' : ` (${Math.round(question.sizeBytes / 1e9)} GB)`;
    return new SourceError(
      'XetOnly',
      `${endpoint} does not give ${path ?? repo}${size} of ${repo} over plain HTTP (${status}), only over its Xet protocol, which Longshore does not speak. Choose a smaller quantization or one that is split into pieces, or serve the file from a mirror and set spec.source.huggingFace.endpoint.`,
    );
  }
  const common = commonRefusal(answer, endpoint, path ?? repo, quoted);
  if (common !== undefined) return common;

  if (code === 'GatedRepo') {
    const who = withToken ? 'the account of this token has no access to it' : 'no token was sent';
    return new SourceError(
      'GatedRepo',
      `${repo} is gated and ${who}. Ask for access at ${endpoint}/${repo}, then name a Secret with a token of that account in spec.credentials.`,
    );
  }
  if (status === 401 && withToken) {
    return new SourceError(
      'Unauthorized',
      `${endpoint} refused the token for ${repo} (401). Put a valid token into the Secret that spec.credentials names.${quoted}`,
    );
  }
  if (code === 'RevisionNotFound') {
    return new SourceError(
      'RevisionNotFound',
      `${repo} has no branch, tag or commit ${revision}. Check spec.source.huggingFace.revision.`,
    );
  }
  if (code === 'EntryNotFound' || (status === 404 && path !== undefined && code === undefined)) {
    return new SourceError(
      'FileNotFound',
      `${repo} has no file ${path ?? ''} at revision ${revision}. Check spec.source.huggingFace.files.`,
    );
  }
  if (code === 'RepoNotFound' || status === 401 || status === 404) {
    return new SourceError(
      'RepoNotFound',
      `${endpoint} knows no repository ${repo}${withToken ? ' that this token may see' : ', or hides it from requests without a token'} (${status}). Check spec.source.huggingFace.repo${withToken ? '' : '; for a private repository name a Secret in spec.credentials'}.`,
    );
  }
  if (status === 403) {
    return new SourceError(
      'Unauthorized',
      `${endpoint} refused ${repo} (403)${withToken ? ': this token may not read it' : ' to a request without a token'}. Put a token that may read it into the Secret that spec.credentials names.${quoted}`,
    );
  }
  return new SourceError('PullerFailed', `${endpoint} answered ${status} for ${path ?? repo}.${quoted}`);
}

/**
 * Whether a file is refused for the way it is asked for: the hub says so by the header that names its Xet hash, and its
 * storage by a plain 400 for files that are too large for it (huggingface_hub#4330).
 */
function isXetOnly(
  { status, headers, origin }: Pick<HttpAnswer, 'status' | 'headers' | 'origin'>,
  { endpoint, path, sizeBytes = 0 }: HubQuestion,
): boolean {
  if (path === undefined || (status !== 400 && status !== 403)) return false;
  if (header(headers, 'x-xet-hash') !== undefined) return true;
  return status === 400 && origin !== new URL(endpoint).origin && sizeBytes > largestPlainBytes;
}
