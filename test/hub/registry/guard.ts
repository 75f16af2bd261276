/** Who may read a registry, and how it says so: https://distribution.github.io/distribution/spec/auth/token */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { answerJson } from '../exchange.ts';
import type { Exchange } from '../exchange.ts';

export type GuardOptions =
  /** One bearer token, which nothing gives out. */
  | { kind: 'token'; token: string }
  | { kind: 'basic'; username: string; password: string }
  /** Bearer tokens, given out at `/v2/token` to those with the password or identity token, or, without both, to all. */
  | {
      kind: 'bearer';
      username?: string;
      password?: string;
      identityToken?: string;
      /** How many requests a token is good for; default: all. */
      requestsPerToken?: number;
    };

export type Guard = {
  admits(request: IncomingMessage): boolean;
  /** The header `WWW-Authenticate` for a repository. @param url Of the registry. */
  challenge(url: string, repository: string): string;
  /** Answers a request for a token. */
  answerToken(exchange: Exchange): Promise<void>;
};

export function openGuard(options: GuardOptions): Guard {
  /** Requests that are left to a token. */
  const given = new Map<string, number>();

  function admitsToken(authorization: string | undefined): boolean {
    const token = authorization?.replace('Bearer ', '') ?? '';
    const left = given.get(token) ?? 0;
    given.set(token, left - 1);
    return left > 0;
  }

  return {
    admits({ headers: { authorization } }) {
      if (options.kind === 'token') return authorization === `Bearer ${options.token}`;
      return options.kind === 'basic' ? authorization === basic(options) : admitsToken(authorization);
    },
    challenge(url, repository) {
      if (options.kind === 'basic') return 'Basic realm="registry"';
      return `Bearer realm="${url}/v2/token",service="registry",scope="repository:${repository}:pull"`;
    },
    async answerToken(exchange) {
      if (options.kind !== 'bearer' || !(await mayHaveToken(exchange, options))) {
        return answerJson(exchange, 401, { errors: [{ code: 'UNAUTHORIZED', message: 'who are you?' }] });
      }
      const token = randomBytes(12).toString('hex');
      given.set(token, options.requestsPerToken ?? Infinity);
      answerJson(exchange, 200, { token, expires_in: 300 });
    },
  };
}

async function mayHaveToken(
  { request, url }: Exchange,
  { username, password, identityToken }: Extract<GuardOptions, { kind: 'bearer' }>,
): Promise<boolean> {
  if (request.method === 'POST') {
    const form = new URLSearchParams(await text(request));
    return (
      form.get('grant_type') === 'refresh_token' &&
      form.get('service') === 'registry' &&
      identityToken !== undefined &&
      form.get('refresh_token') === identityToken
    );
  }
  if (url.searchParams.get('service') !== 'registry' || !url.searchParams.has('scope')) return false;
  if (username === undefined || password === undefined) return identityToken === undefined;
  return request.headers.authorization === basic({ username, password });
}

function basic({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
