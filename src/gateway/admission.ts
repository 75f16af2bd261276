import type { FastifyReply, FastifyRequest } from 'fastify';
import { Refusal } from '../http-server/refusal.ts';

export interface AdmissionLimits {
  /** Requests on their way at the same time. */
  requests: number;
  /** Bytes of their bodies, which are kept until they are answered: another replica may have to be asked. */
  bytes: number;
}

/**
 * Counts the requests on their way, and refuses those beyond the limits before their bodies are read. A request whose
 * length is not told counts as the longest.
 */
export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #bodyLimit: number;
  readonly #open = new Map<FastifyRequest, AbortController>();
  #bytes = 0;

  constructor(limits: AdmissionLimits, bodyLimit: number) {
    this.#limits = limits;
    this.#bodyLimit = bodyLimit;
  }

  get underway(): number {
    return this.#open.size;
  }

  /** @throws Refusal */
  admit(request: FastifyRequest, reply: FastifyReply): void {
    const bytes = this.#bytesOf(request);
    if (this.#open.size >= this.#limits.requests || this.#bytes + bytes > this.#limits.bytes) {
      throw new Refusal(
        503,
        `The gateway has ${this.#open.size} requests on their way and takes no more at once. Try again in a moment, or add replicas of the gateway.`,
        { code: 'overloaded', retryAfter: 1 },
      );
    }
    const ending = new AbortController();
    this.#open.set(request, ending);
    this.#bytes += bytes;
    reply.raw.once('close', () => {
      this.#open.delete(request);
      this.#bytes -= bytes;
      ending.abort(clientGone);
    });
  }

  /** Aborted when the client has its answer or is gone, and when the gateway ends. */
  signalOf(request: FastifyRequest): AbortSignal {
    return this.#open.get(request)?.signal ?? AbortSignal.abort(clientGone);
  }

  /** Breaks off what is on its way for longer than that. */
  end(request: FastifyRequest, reason: Refusal): void {
    this.#open.get(request)?.abort(reason);
  }

  breakOff(): void {
    for (const ending of this.#open.values()) ending.abort(shuttingDown);
  }

  #bytesOf({ headers }: FastifyRequest): number {
    if (headers['transfer-encoding'] !== undefined) return this.#bodyLimit;
    // One that is longer is refused without being read.
    return Math.min(Number(headers['content-length'] ?? 0) || 0, this.#bodyLimit);
  }
}

const clientGone = new Refusal(499, 'The client closed the connection.', { code: 'client_closed' });

const shuttingDown = new Refusal(
  503,
  'This gateway is shutting down. Send the request again: another replica takes it.',
  { code: 'shutting_down', retryAfter: 1 },
);
