/** Answers that go wrong, one request at a time, as a test orders them. */
import { readFile } from 'node:fs/promises';
import { answer } from './exchange.ts';
import type { Exchange, Headers } from './exchange.ts';
import { serveBytes } from './bytes.ts';
import type { Interruption, Line, Source } from './bytes.ts';

export type Fault =
  /** Ends after so many bytes of body. `end` announces no length, so that nothing looks wrong. */
  | { kind: Interruption; after: number }
  | { kind: 'trickle'; bytesPerSecond: number }
  /** 206 with bytes from elsewhere, and a Content-Range that says so. */
  | { kind: 'shifted'; by: number }
  /** 206 with more than was asked for. */
  | { kind: 'longer'; by: number }
  /** 206 with less than was asked for, and a Content-Range that says so. */
  | { kind: 'shorter'; bytes: number }
  /** 200 for a range. */
  | { kind: 'whole' }
  | { kind: 'etag'; etag: string | undefined }
  | { kind: 'status'; status: number; headers?: Headers }
  /** A page to log in at, with status 200. */
  | { kind: 'page' }
  | { kind: 'redirect'; to: string }
  /** The content with one byte changed. */
  | { kind: 'altered'; at: number };

/** `number` counts from 0 since the plan was made; `start` is the first byte that is asked for. */
export type FaultPlan = (request: { number: number; start: number; path: string }) => Fault | undefined;

export type FaultControls = {
  /** From now on the plan decides what becomes of each request of the CDN that has a good URL. */
  inject(plan: FaultPlan): void;
};

export type Faults = FaultControls & {
  answer(exchange: Exchange, source: Source, headers: Headers, line: Line): Promise<void>;
};

export function openFaults(): Faults {
  let plan: FaultPlan = () => undefined;
  let number = 0;
  return {
    inject(next) {
      plan = next;
      number = 0;
    },
    async answer(exchange, source, headers, line) {
      const start = Number(/^bytes=(\d+)-/.exec(exchange.request.headers.range ?? '')?.[1] ?? 0);
      const fault = plan({ number: number++, start, path: exchange.url.pathname });
      await answerWrongly(fault, { exchange, source, headers, line });
    },
  };
}

type Answer = { exchange: Exchange; source: Source; headers: Headers; line: Line };

async function answerWrongly(fault: Fault | undefined, right: Answer): Promise<void> {
  const { exchange, source, headers, line } = right;
  const serve = (wrong: Partial<Answer> = {}): Promise<void> => {
    const { exchange, source, headers, line } = { ...right, ...wrong };
    return serveBytes(exchange, source, headers, line);
  };
  switch (fault?.kind) {
    case undefined:
      return serve();
    case 'cut':
    case 'reset':
    case 'stall':
      return serve({ line: { ...line, interrupt: { bytes: fault.after, times: 1, how: fault.kind } } });
    case 'end':
      return serve({
        line: { ...line, lengths: false, interrupt: { bytes: fault.after, times: 1, how: 'end' } },
      });
    case 'trickle':
      return serve({ line: { ...line, bytesPerSecond: fault.bytesPerSecond } });
    case 'shifted':
      return serve({ exchange: asking(exchange, (start, end) => [start + fault.by, end]) });
    case 'longer':
      return serve({ exchange: asking(exchange, (start, end) => [start, end + fault.by]) });
    case 'shorter':
      return serve({ exchange: asking(exchange, (start) => [start, start + fault.bytes - 1]) });
    case 'whole':
      return serve({ line: { ...line, ranges: false } });
    case 'etag': {
      const { content, size } = source;
      return serve({
        source: { content, size, ...(fault.etag !== undefined && { etag: fault.etag }) },
      });
    }
    case 'status':
      return answer(exchange, fault.status, fault.headers ?? {});
    case 'page':
      return answer(exchange, 200, { 'Content-Type': 'text/html; charset=utf-8' }, '<h1>Log in</h1>');
    case 'redirect':
      return answer(exchange, 302, { Location: fault.to });
    case 'altered': {
      const content = Buffer.from(await contentOf(source));
      content[fault.at]! ^= 1;
      return serve({ source: { ...source, content }, headers });
    }
  }
}

/** The exchange as if another range had been asked for. */
function asking(exchange: Exchange, change: (start: number, end: number) => [number, number]): Exchange {
  const match = /^bytes=(\d+)-(\d+)$/.exec(exchange.request.headers.range ?? '');
  if (match !== null) {
    const [start, end] = change(Number(match[1]), Number(match[2]));
    exchange.request.headers.range = `bytes=${start}-${end}`;
  }
  return exchange;
}

async function contentOf({ content }: Source): Promise<Uint8Array> {
  return content instanceof Uint8Array ? content : readFile(content.file);
}
