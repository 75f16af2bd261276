/** A web server that has files, and knows nothing of what they are. */
import { createHash } from 'node:crypto';
import { controlsOf, goodLine } from './bytes.ts';
import type { LineControls } from './bytes.ts';
import { answer } from './exchange.ts';
import type { Exchange, RecordedRequest } from './exchange.ts';
import { openFaults } from './faults.ts';
import type { FaultControls } from './faults.ts';
import { createOrigin, listen, stop } from './origin.ts';

export type FileServerOptions = {
  /** By their paths, which begin with a slash. */
  files: Record<string, Uint8Array>;
  /** The header that every request must have. */
  authorization?: string;
};

export type FileServer = LineControls &
  FaultControls & {
    url: string;
    /** Everything it was asked, in order of arrival. */
    requests: RecordedRequest[];
    /** Ends open connections too. */
    close(): Promise<void>;
  };

export async function startFileServer({ files, authorization }: FileServerOptions): Promise<FileServer> {
  const requests: RecordedRequest[] = [];
  const line = goodLine();
  const faults = openFaults();
  const respond = async (exchange: Exchange): Promise<void> => {
    const { request, url } = exchange;
    const content = files[decodeURIComponent(url.pathname)];
    if (authorization !== undefined && request.headers.authorization !== authorization) {
      return answer(exchange, 401, { 'WWW-Authenticate': 'Basic realm="files"' }, 'Who are you?');
    }
    if (content === undefined) return answer(exchange, 404, {}, 'Not found');
    const etag = `"${createHash('md5').update(content).digest('hex')}"`;
    await faults.answer(exchange, { content, size: content.byteLength, etag }, {}, line);
  };
  const recover = ({ response }: Exchange): void => void response.destroy();
  const server = createOrigin('files', { requests, log: () => {}, recover }, respond);
  const port = await listen(server, '127.0.0.1', 0);
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    ...controlsOf(line),
    inject: (plan) => faults.inject(plan),
    close: () => stop(server),
  };
}
