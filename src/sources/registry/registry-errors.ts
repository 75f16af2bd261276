import { z } from 'zod';
import { commonRefusal } from '../ask.ts';
import { parseChallenges } from './challenge.ts';
import type { HttpAnswer } from '../http/http.ts';
import { isOllamas } from './registry-auth.ts';
import { SourceError } from '../source.ts';

/** How messages speak of what a registry has. */
export interface Wording {
  readonly registry: 'Ollama registry' | 'OCI registry';
  readonly content: 'model' | 'artifact';
  /** Where its name stands. */
  readonly field: string;
}

/** What was asked for, for messages. */
export interface RegistryQuestion {
  readonly endpoint: string;
  readonly wording: Wording;
  /** Without its tag, e.g. `library/llama3.1`. */
  readonly repository: string;
  /** Of the manifest: a tag or a digest. */
  readonly reference: string;
  /** Of a layer, where one was asked for. */
  readonly file?: string;
  /** Whether there is a login for it. */
  readonly withLogin: boolean;
}

/** https://distribution.github.io/distribution/spec/api/#errors */
const Errors = z.object({
  errors: z.array(z.object({ code: z.string(), message: z.string().optional() })).min(1),
});
/** What a Hugging Face hub says where it is asked as a registry (hub-docs#2702). */
const HubError = z.object({ error: z.string() });

/** Says what a refusal of a registry means. @param body The begin of what it answered, if it is text. */
export function registryError(
  answer: Pick<HttpAnswer, 'status' | 'headers' | 'origin'>,
  body: string,
  question: RegistryQuestion,
): SourceError {
  const { endpoint, repository, reference, file, withLogin, wording } = question;
  const { registry, content, field } = wording;
  const { status } = answer;
  const { code, message, isHub } = firstError(body);
  const says = (message ?? '').replace(/\s+/g, ' ').trim().slice(0, 300);
  const quoted = says === '' ? '' : ` The registry says: ${says}`;
  const isDigest = reference.includes(':');
  const what =
    file === undefined ? `${repository}${isDigest ? '@' : ':'}${reference}` : `${file} of ${repository}`;
  // Blobs are elsewhere, and manifests at most at another name of the registry.
  const origin = file === undefined ? new URL(endpoint).origin : answer.origin;
  const common = commonRefusal({ ...answer, origin }, endpoint, what, quoted);
  if (common !== undefined) return common;

  if (status === 412 && registry === 'Ollama registry') {
    return new SourceError(
      'UnsupportedModel',
      `${endpoint} gives ${what} to newer versions of Ollama only (412). Choose another tag in ${field}.${quoted}`,
    );
  }
  // A hub as a registry has no other status for a tag, a model or a format that it cannot give.
  if (isHub && status === 400) {
    const isUnknownTag = /\btag\b/i.test(says) && !/sharded/i.test(says);
    return new SourceError(
      isUnknownTag ? 'RevisionNotFound' : 'UnsupportedModel',
      isUnknownTag
        ? `${endpoint} has no ${what}. The tag of a repository of a Hugging Face hub is a quantization that it has: check spec.source.ollama.model.${quoted}`
        : `${endpoint} cannot give ${what} as a model of a registry. A repository of a Hugging Face hub is pulled by spec.source.huggingFace too, which takes split models.${quoted}`,
    );
  }
  if (status === 401 || status === 403) {
    return new SourceError(
      'Unauthorized',
      `${endpoint} refused ${what} (${status}) ${withLogin ? 'to this token' : 'to a request without a token'}. ${remedy(answer, question)}${quoted}`,
    );
  }
  if (file !== undefined && status === 404) {
    return new SourceError(
      'FileNotFound',
      `${endpoint} lists ${file} in the manifest of ${repository}, and has no blob of its digest (404). Ask its publisher to push the ${content} again.${quoted}`,
    );
  }
  if (code === 'MANIFEST_UNKNOWN' || code === 'TAG_INVALID' || code === 'DIGEST_INVALID') {
    return new SourceError(
      'RevisionNotFound',
      `${endpoint} has no ${content} ${repository} with the ${isDigest ? 'digest' : 'tag'} ${reference}. Check the name and what follows it in ${field}.`,
    );
  }
  if (status === 404 || code === 'NAME_INVALID') {
    const doubt = code === undefined ? `, or is no ${registry}` : '';
    return new SourceError(
      'RepoNotFound',
      `${endpoint} knows no ${content} ${repository}${doubt} (${status}). Check ${field}${withLogin ? '.' : `; for a private ${content} name a Secret in spec.credentials.`}`,
    );
  }
  return new SourceError('PullerFailed', `${endpoint} answered ${status} for ${what}.${quoted}`);
}

interface Complaint {
  readonly code?: string | undefined;
  readonly message?: string | undefined;
  /** Whether it is worded as a Hugging Face hub's. */
  readonly isHub?: boolean;
}

/** Docker's registry answers with a code; Ollama's also with plain text. */
function firstError(body: string): Complaint {
  let content: unknown;
  try {
    content = JSON.parse(body);
  } catch {
    return { message: body.trimStart().startsWith('<') ? '' : body };
  }
  const { data } = Errors.safeParse(content);
  const ofHub = HubError.safeParse(content).data;
  return data?.errors[0] ?? { message: ofHub?.error, isHub: ofHub !== undefined };
}

/** What would help against a 401 or 403. */
function remedy({ headers }: Pick<HttpAnswer, 'headers'>, { withLogin }: RegistryQuestion): string {
  const realms = parseChallenges(headers['www-authenticate']).map(
    ({ parameters }) => parameters['realm'] ?? '',
  );
  const ollamas = realms.find(isOllamas);
  if (ollamas !== undefined) {
    return `It is private, or there is no such model: the registry asks for a signature of an Ollama key at ${ollamas}, and Longshore has none. Pull it from a registry that takes a token or a password.`;
  }
  // The hub admits Ollama's keys here, and its tokens at its own API.
  if (realms.includes('Authentication required')) {
    return 'It is private or gated, or there is no such repository: name it in spec.source.huggingFace, with a token of the hub in spec.credentials.';
  }
  return withLogin
    ? 'Put a token or a password that may read it into the Secret that spec.credentials names.'
    : 'Name a Secret with a token or a password in spec.credentials.';
}
