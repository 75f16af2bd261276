import { z } from 'zod';
import { commonRefusal } from './ask.ts';
import { header, type HttpAnswer } from './http.ts';
import { SourceError } from './source.ts';

/** What was asked for, for messages. */
export interface RegistryQuestion {
  readonly endpoint: string;
  /** Without its tag, e.g. `library/llama3.1`. */
  readonly model: string;
  /** Of the manifest: a tag or a digest. */
  readonly reference: string;
  /** Of a layer, where one was asked for. */
  readonly file?: string;
  /** Whether a token went along. */
  readonly withToken: boolean;
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
  const { endpoint, model, reference, file, withToken } = question;
  const { status } = answer;
  const { code, message, isHub } = firstError(body);
  const says = (message ?? '').replace(/\s+/g, ' ').trim().slice(0, 300);
  const quoted = says === '' ? '' : ` The registry says: ${says}`;
  const isDigest = reference.includes(':');
  const what = file === undefined ? `${model}${isDigest ? '@' : ':'}${reference}` : `${file} of ${model}`;
  // Blobs are elsewhere, and manifests at most at another name of the registry.
  const origin = file === undefined ? new URL(endpoint).origin : answer.origin;
  const common = commonRefusal({ ...answer, origin }, endpoint, what, quoted);
  if (common !== undefined) return common;

  if (status === 412) {
    return new SourceError(
      'UnsupportedModel',
      `${endpoint} gives ${what} to newer versions of Ollama only (412). Choose another tag in spec.source.ollama.model.${quoted}`,
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
      `${endpoint} refused ${what} (${status}) ${withToken ? 'to this token' : 'to a request without a token'}. ${remedy(answer, question)}${quoted}`,
    );
  }
  if (file !== undefined && status === 404) {
    return new SourceError(
      'FileNotFound',
      `${endpoint} lists ${file} in the manifest of ${model}, and has no blob of its digest (404). Ask its publisher to push the model again.${quoted}`,
    );
  }
  if (code === 'MANIFEST_UNKNOWN' || code === 'TAG_INVALID' || code === 'DIGEST_INVALID') {
    return new SourceError(
      'RevisionNotFound',
      `${endpoint} has no model ${model} with the ${isDigest ? 'digest' : 'tag'} ${reference}. Check the name and what follows it in spec.source.ollama.model.`,
    );
  }
  if (status === 404 || code === 'NAME_INVALID') {
    const doubt = code === undefined ? ', or is no Ollama registry' : '';
    return new SourceError(
      'RepoNotFound',
      `${endpoint} knows no model ${model}${doubt} (${status}). Check spec.source.ollama.model${withToken ? '.' : '; for a private model name a Secret in spec.credentials.'}`,
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
function remedy({ headers }: Pick<HttpAnswer, 'headers'>, { withToken }: RegistryQuestion): string {
  const realm = /\brealm="([^"]*)"/i.exec(header(headers, 'www-authenticate') ?? '')?.[1] ?? '';
  if (/^https:\/\/([^/]*\.)?ollama\.(com|ai)(\/|$)/i.test(realm)) {
    return `It is private, or there is no such model: the registry asks for a signature of an Ollama key at ${realm}, and Longshore sends bearer tokens only. Pull it from a registry that takes one.`;
  }
  // The hub admits Ollama's keys here, and its tokens at its own API.
  if (realm === 'Authentication required') {
    return 'It is private or gated, or there is no such repository: name it in spec.source.huggingFace, with a token of the hub in spec.credentials.';
  }
  return withToken
    ? 'Put a token that may read it into the Secret that spec.credentials names.'
    : 'Name a Secret with a token in spec.credentials.';
}
