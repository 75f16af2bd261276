import { readFileSync } from 'node:fs';
import { Agent, fetch as fetchBy, type RequestInit } from 'undici';
import { z } from 'zod';
import type { Send } from '../door.ts';
import { CliError, exitCodes } from '../failure.ts';

/** A gateway that said no, or nothing. */
export class GatewayError extends Error {
  /** 0: it was not reached. */
  readonly status: number;
  /** The `code` of its error; undefined where the answer is none of a gateway. */
  readonly code: string | undefined;

  constructor(status: number, code: string | undefined, message: string, cause?: unknown) {
    super(message, { cause });
    this.status = status;
    this.code = code;
  }
}

export interface GatewayAddress {
  server: string;
  apiKey?: string | undefined;
  certificateAuthority?: string | undefined;
}

interface Asked {
  body?: object;
  signal?: AbortSignal;
}

/** Requests to one gateway, over connections that are kept. All of them reject with GatewayError, or as their signal was aborted. */
export interface Requests extends AsyncDisposable {
  /** Without a slash at its end. */
  readonly url: string;
  /** As `fetch` has it, for any path; what it rejects with is `fetch`'s own. */
  readonly send: Send;
  json(method: string, path: string, asked?: Asked): Promise<unknown>;
  /** The lines of an answer as they come. Leaving off hangs up. */
  lines(method: string, path: string, asked?: Asked): AsyncGenerator;
  /** Resolves when the gateway has begun to answer, and hangs up: what it does goes on. */
  begin(method: string, path: string, asked?: Asked): Promise<void>;
}

/** Milliseconds until an answer that is no stream has begun. */
const patience = 30_000;

/** @throws CliError on an address or a file that is none */
export function requestsTo({ server, apiKey, certificateAuthority }: GatewayAddress): Requests {
  const url = addressOf(server);
  const ca = certificateAuthority === undefined ? undefined : certificatesOf(certificateAuthority);
  const agent = new Agent({
    connect: { timeout: 10_000, ...(ca !== undefined && { ca }) },
    // A model may think for long before the first byte, and the gateway ends what is silent for too long.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  const send = (input: string, init: RequestInit): Promise<Response> =>
    // The class of Node's own fetch is another build of the same.
    fetchBy(input, { ...init, dispatcher: agent }) as Promise<unknown> as Promise<Response>;

  const ask = async (method: string, path: string, { body, signal }: Asked): Promise<Response> => {
    let answer: Response;
    try {
      answer = await send(`${url}${path}`, {
        method,
        headers: {
          ...(body && { 'content-type': 'application/json' }),
          ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
        },
        ...(body && { body: JSON.stringify(body) }),
        signal: signal ?? AbortSignal.timeout(patience),
      });
    } catch (error) {
      if (signal?.aborted === true) throw error;
      throw new GatewayError(0, undefined, causeOf(error), error);
    }
    if (!answer.ok) throw refusalIn(answer.status, await answer.text());
    return answer;
  };

  return {
    url,
    send,
    async json(method, path, asked = {}) {
      const answer = await ask(method, path, asked);
      const text = await answer.text();
      const value = parsed(text);
      if (value === undefined) throw refusalIn(answer.status, text);
      return value;
    },
    async *lines(method, path, asked = {}) {
      const answer = await ask(method, path, asked);
      if (!answer.headers.get('content-type')?.startsWith('application/x-ndjson')) {
        throw refusalIn(answer.status, await answer.text());
      }
      let rest = '';
      try {
        for await (const text of answer.body!.pipeThrough(new TextDecoderStream())) {
          const whole = (rest + text).split('\n');
          rest = whole.pop() ?? '';
          for (const line of whole) if (line !== '') yield JSON.parse(line) as unknown;
        }
      } catch (error) {
        if (asked.signal?.aborted === true || !(error instanceof TypeError)) throw error;
        throw new GatewayError(0, undefined, causeOf(error), error);
      }
    },
    async begin(method, path, asked = {}) {
      await (await ask(method, path, asked)).body?.cancel();
    },
    [Symbol.asyncDispose]: () => agent.destroy(),
  };
}

function addressOf(server: string): string {
  const address = URL.parse(server);
  if (address?.protocol === 'http:' || address?.protocol === 'https:') return server.replace(/\/+$/, '');
  throw new CliError(
    exitCodes.usage,
    `"${server}" is no address of a gateway.`,
    'Write it as --server https://longshore.example.com, or set LONGSHORE_SERVER to that.',
  );
}

function certificatesOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CliError(exitCodes.usage, `The certificates of --certificate-authority cannot be read: ${why}`);
  }
}

/** What lies under the words of `fetch`, which are always the same. */
function causeOf(error: unknown): string {
  const { cause } = error as Error;
  if (cause instanceof AggregateError) return causeOf({ cause: cause.errors[0] as unknown });
  return cause instanceof Error && cause.message !== '' ? cause.message : (error as Error).message;
}

const ErrorBody = z.object({ error: z.object({ message: z.string(), code: z.string().nullable() }) });

function refusalIn(status: number, body: string): GatewayError {
  const { data } = ErrorBody.safeParse(parsed(body));
  if (data) return new GatewayError(status, data.error.code ?? 'internal', data.error.message);
  return new GatewayError(status, undefined, `HTTP ${status}`);
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
