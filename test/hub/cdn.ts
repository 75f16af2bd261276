/** Storage behind a server: large content at signed, expiring URLs, the shape of CloudFront's. */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { answer } from './exchange.ts';
import type { Exchange } from './exchange.ts';
import type { Line, Source } from './bytes.ts';
import { openFaults } from './faults.ts';
import type { Faults } from './faults.ts';

export type Cdn = {
  /** The signed URL, path and query, of what is stored at `path`; `name` is for the file it is saved as. */
  sign(path: string, name: string): string;
  /** Makes every URL signed so far answer 403, as when its time is over. */
  expireUrls(): void;
  answer(exchange: Exchange): Promise<void>;
};

/** `sha256` is in hex. */
export type Stored = Omit<Source, 'etag'> & { sha256: string };

export type CdnOptions = {
  /** Undefined when nothing is stored there. */
  find: (path: string) => Stored | undefined | Promise<Stored | undefined>;
  line: Line;
  /** What a test has ordered for single requests. */
  faults?: Faults;
  urlLifetimeSeconds: number;
  /** Milliseconds since the epoch. */
  now: () => number;
};

export function openCdn({ find, line, faults = openFaults(), urlLifetimeSeconds, now }: CdnOptions): Cdn {
  let key = randomBytes(32);
  const signature = (...signed: string[]): Buffer =>
    createHmac('sha256', key).update(signed.join('\0')).digest();
  return {
    sign(path, name) {
      const expires = String(Math.floor(now() / 1000) + urlLifetimeSeconds);
      const quoted = encodeURIComponent(name);
      const disposition = `inline; filename*=UTF-8''${quoted}; filename="${quoted}";`;
      const query = new URLSearchParams({
        'response-content-disposition': disposition,
        Expires: expires,
        Signature: signature(path, expires, disposition).toString('base64url'),
        'Key-Pair-Id': 'TEST',
      });
      return `${path}?${query.toString()}`;
    },
    expireUrls() {
      key = randomBytes(32);
    },
    async answer(exchange) {
      const { url, request } = exchange;
      if (request.method !== 'GET' && request.method !== 'HEAD')
        return refuse(exchange, 405, 'MethodNotAllowed');
      const expires = url.searchParams.get('Expires') ?? '';
      const given = Buffer.from(url.searchParams.get('Signature') ?? '', 'base64url');
      const disposition = url.searchParams.get('response-content-disposition') ?? '';
      const expected = signature(url.pathname, expires, disposition);
      const genuine = given.byteLength === expected.byteLength && timingSafeEqual(given, expected);
      if (!genuine || Number(expires) * 1000 <= now()) return refuse(exchange, 403, 'AccessDenied');
      if (line.fail.times > 0) {
        line.fail.times -= 1;
        return refuse(exchange, line.fail.status, 'InternalError');
      }
      const stored = await find(url.pathname);
      if (stored === undefined) return refuse(exchange, 404, 'NoSuchKey');
      const source: Source = { ...stored, etag: storageEtag(stored.sha256) };
      await faults.answer(exchange, source, { 'Content-Disposition': disposition }, line);
    },
  };
}

/**
 * The ETag of object storage for a multipart upload: not the content's sha256, which clients must take from
 * X-Linked-ETag (huggingface.js#1023).
 */
function storageEtag(sha256: string): string {
  return `"${createHash('md5').update(sha256).digest('hex')}-2"`;
}

function refuse(exchange: Exchange, status: number, code: string): void {
  const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`;
  answer(exchange, status, { 'Content-Type': 'application/xml' }, body);
}
