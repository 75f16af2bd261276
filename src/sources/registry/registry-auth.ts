import { z } from 'zod';
import { ask, commonRefusal, jsonOf, readBody } from '../ask.ts';
import { parseChallenges, type Challenge } from './challenge.ts';
import { authorizationOf, type RegistryLogin } from '../credentials.ts';
import type { HttpAnswer, HttpGet, HttpRequest } from '../http/http.ts';
import { SourceError } from '../source.ts';

export interface RegistryAuthOptions {
  /** Of the registry. */
  readonly endpoint: string;
  /** What is to be read there. */
  readonly repository: string;
  readonly get: HttpGet;
  readonly login?: RegistryLogin | undefined;
  /** Ends a request for a token, which several requests for content may wait for. */
  readonly signal?: AbortSignal | undefined;
}

/** https://distribution.github.io/distribution/spec/auth/token/: one of them, or both with the same value. */
const Token = z
  .object({ token: z.string().optional(), access_token: z.string().optional() })
  .transform(({ token, access_token }) => token || access_token || '')
  .pipe(z.string().regex(/^[\x21-\x7e]+$/));
/** Tokens have to fit into a header, and a token endpoint may send one twice. */
const mostTokenBytes = 128 << 10;

/**
 * Asks a registry, and answers its challenges: with the login itself, or with what a token endpoint gives for it, or
 * gives to everybody. A bearer token that has run out is renewed once for all requests that meet this; what is refused
 * then is answered as it came.
 *
 * The token endpoint may be anywhere, as for other clients of registries: who gave the registry a login has to trust its
 * word where logins are exchanged. Over plain http it gets none, unless the registry itself is asked that way.
 */
export function askWithAuth({
  endpoint,
  repository,
  get,
  login,
  signal,
}: RegistryAuthOptions): (url: string, request: HttpRequest) => Promise<HttpAnswer> {
  const { origin } = new URL(endpoint);
  let current = login?.kind === 'token' ? authorizationOf(login) : undefined;
  let renewing: Promise<string | undefined> | undefined;

  /** The next header to try, in place of one that was refused; undefined where there is none. */
  function renew(challenge: Challenge, refused: string | undefined): Promise<string | undefined> {
    if (current !== refused) return Promise.resolve(current);
    renewing ??= answerTo(challenge)
      .then((authorization) => (current = authorization ?? current))
      .finally(() => {
        renewing = undefined;
      });
    return renewing;
  }

  async function answerTo({ scheme, parameters }: Challenge): Promise<string | undefined> {
    if (scheme === 'basic') return login?.kind === 'password' ? authorizationOf(login) : undefined;
    const token = await earnToken(parameters);
    return token && `Bearer ${token}`;
  }

  /** @returns nothing where the token endpoint has none for those without a login. */
  async function earnToken({
    realm = '',
    service,
    scope,
  }: Challenge['parameters']): Promise<string | undefined> {
    const url = new URL(realm);
    const place = `${url.origin}${url.pathname}`;
    if (login !== undefined && url.protocol !== 'https:' && origin.startsWith('https:')) {
      throw new SourceError(
        'Unauthorized',
        `${endpoint} wants its logins exchanged at ${place}, in clear text: nothing was sent there. Whoever runs the registry has to name a token endpoint with https.`,
      );
    }
    const wanted: [string, string][] = [['scope', scope ?? `repository:${repository}:pull`]];
    if (service !== undefined) wanted.unshift(['service', service]);
    const request = requestFor(login, url, wanted);
    const answer = await ask({ url: url.origin, get, authorization: request.authorization }, url.href, {
      form: request.form,
      signal,
    });
    const body = await readBody(place, answer, mostTokenBytes, signal);
    if (answer.status >= 400) {
      const common = commonRefusal(answer, url.origin, `a token for ${repository}`, '');
      if (common !== undefined) throw common;
      if (login === undefined) return undefined;
      throw new SourceError(
        'Unauthorized',
        `${place}, the token endpoint of ${endpoint}, refused the login in the Secret that spec.credentials names (${answer.status}). Put one that may read ${repository} into it.`,
        { status: answer.status },
      );
    }
    const { data: token } = Token.safeParse(jsonOf(body));
    if (token !== undefined) return token;
    throw new SourceError(
      'SourceUnreachable',
      `${place} does not answer as the token endpoint of a registry does (${answer.status}). A proxy, or a page to log in at, may stand between.`,
    );
  }

  return async (url, request) => {
    const used = current;
    const answer = await ask({ url: endpoint, get, authorization: used }, url, request);
    if (answer.status !== 401 || answer.origin !== origin || login?.kind === 'token') return answer;
    const challenge = acceptable(answer, login);
    const renewed = challenge && (await renew(challenge, used));
    if (renewed === undefined || renewed === used) return answer;
    await answer.body.dump();
    return ask({ url: endpoint, get, authorization: renewed }, url, request);
  };
}

/** A challenge that can be answered; a token is asked for before a password is sent again and again. */
function acceptable({ headers }: HttpAnswer, login: RegistryLogin | undefined): Challenge | undefined {
  const challenges = parseChallenges(headers['www-authenticate']);
  return (
    challenges.find(
      ({ scheme, parameters: { realm = '' } }) => scheme === 'bearer' && isTokenEndpoint(realm),
    ) ?? challenges.find(({ scheme }) => scheme === 'basic' && login?.kind === 'password')
  );
}

/** Ollama's own takes signatures of an Ollama key only. */
function isTokenEndpoint(realm: string): boolean {
  return /^https?:\/\//i.test(realm) && URL.canParse(realm) && !isOllamas(realm);
}

export function isOllamas(realm: string): boolean {
  return /^https:\/\/([^/]*\.)?ollama\.(com|ai)(\/|$)/i.test(realm);
}

/** By GET, with a password as the registry itself would take it, or, with an identity token, by OAuth's POST. */
function requestFor(
  login: RegistryLogin | undefined,
  url: URL,
  wanted: readonly [string, string][],
): { form?: URLSearchParams; authorization?: string } {
  if (login?.kind === 'identity') {
    return {
      form: new URLSearchParams([
        ['grant_type', 'refresh_token'],
        ['refresh_token', login.token],
        ['client_id', 'longshore'],
        ...wanted,
      ]),
    };
  }
  for (const [name, value] of wanted) url.searchParams.append(name, value);
  return login === undefined ? {} : { authorization: authorizationOf(login) };
}
