/**
 * Where the clients of the bench download from: Debian's nginx, in a process of its own, which serves one file as a
 * Hugging Face hub does, once as fast as it goes and once as a far link.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { tinyGguf } from '../hub/gguf.ts';
import { findProgram } from '../cluster/commands.ts';

export const repo = 'bench/model';
export const fileName = 'model-Q8_0.gguf';
const commit = 'a'.repeat(40);

/** A far link: what one connection gets, and how long it takes until the first byte. */
export const farLink = { bytesPerSecond: 20_000_000, firstByteMs: 150 };

export interface Origin extends AsyncDisposable {
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly near: string;
  readonly far: string;
  /** The file's address below either. */
  readonly path: string;
  /** Bytes of the file that were sent since the last call, once nginx has written down every request. */
  sentBytes(): Promise<number>;
}

/** @param folder Gets the file and what nginx writes. */
export async function startOrigin(folder: string, sizeBytes: number): Promise<Origin> {
  const path = `${repo}/resolve/${commit}/${fileName}`;
  const root = join(folder, 'www');
  const file = join(root, path);
  const sha256 = await makeFile(file, sizeBytes);
  await describe(root, sizeBytes, sha256);
  const [near, far] = [await freePort(), await freePort()];
  const log = join(folder, 'access.log');
  await writeFile(join(folder, 'nginx.conf'), configuration({ folder, root, near, far, sha256, sizeBytes }));
  const nginx = await findProgram('nginx');
  if (nginx === undefined) throw new Error('This needs nginx.');
  const [program, ...args] = [
    'setpriv',
    '--pdeathsig',
    'KILL',
    nginx,
    '-c',
    join(folder, 'nginx.conf'),
  ] as const;
  const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const ended = once(child, 'exit');
  const origin = (port: number): string => `http://127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  try {
    await answers(`${origin(near)}/${path}`);
    await warm(file);
  } catch (error) {
    await stop();
    throw error;
  }
  let read = 0;
  return {
    sizeBytes,
    sha256,
    near: origin(near),
    far: origin(far),
    path,
    async sentBytes() {
      const text = await settled(log);
      const fresh = text.slice(read);
      read = text.length;
      return fresh
        .split('\n')
        .map((line) => /^GET (\d+)$/.exec(line)?.[1])
        .reduce((sum, bytes) => sum + Number(bytes ?? 0), 0);
    },
    [Symbol.asyncDispose]: stop,
  };
}

/** Noise behind a header that says so, in pieces, since Node writes no 2 GiB at once. */
async function makeFile(path: string, sizeBytes: number): Promise<string> {
  await mkdir(join(path, '..'), { recursive: true });
  const pieceBytes = 64 << 20;
  const whole = tinyGguf({ size: sizeBytes });
  const file = await open(path, 'w');
  try {
    for (let at = 0; at < sizeBytes; at += pieceBytes) await file.write(whole.subarray(at, at + pieceBytes));
  } finally {
    await file.close();
  }
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest('hex');
}

/** What the API of a hub says of the repository. */
async function describe(root: string, size: number, sha256: string): Promise<void> {
  const api = join(root, 'api/models', repo);
  await mkdir(join(api, 'revision'), { recursive: true });
  await mkdir(join(api, 'tree'), { recursive: true });
  const model = { _id: '1', id: repo, sha: commit, private: false, gated: false, downloads: 0, likes: 0 };
  const known = {
    ...model,
    lastModified: '2026-01-01T00:00:00.000Z',
    tags: [],
    siblings: [{ rfilename: fileName }],
  };
  await writeFile(join(api, 'revision/main'), JSON.stringify(known));
  const entry = {
    type: 'file',
    path: fileName,
    size,
    oid: 'b'.repeat(40),
    lfs: { oid: sha256, size, pointerSize: 135 },
  };
  await writeFile(join(api, 'tree', commit), JSON.stringify([entry]));
}

interface Settings {
  folder: string;
  root: string;
  near: number;
  far: number;
  sha256: string;
  sizeBytes: number;
}

/** The delay is a subrequest that has to be answered first: nginx itself has none. */
function configuration({ folder, root, near, far, sha256, sizeBytes }: Settings): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const hub = `
    root ${root};
    rewrite ^/${repo}/resolve/main/(.*)$ /${repo}/resolve/${commit}/$1 last;
    location /api { default_type application/json; access_log off; }`;
  const linked = `
      add_header X-Repo-Commit ${commit};
      add_header X-Linked-Size ${sizeBytes};
      add_header X-Linked-ETag '"${sha256}"';`;
  return `
load_module modules/ngx_http_echo_module.so;
# One process: it may be killed, and reads as whoever runs the bench.
master_process off;
daemon off;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events { worker_connections 256; }
http {
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000;
  log_format sent '$request_method $body_bytes_sent';
  access_log ${folder}/access.log sent;
  ${temporary.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(' ')}
  server {
    listen 127.0.0.1:${near};${hub}
    location /${repo} {${linked}
    }
  }
  server {
    listen 127.0.0.1:${far};${hub}
    location /${repo} {${linked}
      limit_rate ${farLink.bytesPerSecond};
      auth_request /delay;
    }
    location = /delay { internal; access_log off; echo_sleep ${farLink.firstByteMs / 1000}; echo -n; }
  }
}
`;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no TCP port');
  return address.port;
}

async function answers(url: string): Promise<void> {
  const until = performance.now() + 10_000;
  for (;;) {
    const there = await fetch(url, { method: 'HEAD' }).then(
      ({ ok }) => ok,
      () => false,
    );
    if (there) return;
    if (performance.now() > until) throw new Error(`nginx does not answer at ${url}`);
  }
}

/** Brings the file into the page cache, so that the first client does not pay for all. */
async function warm(path: string): Promise<void> {
  for await (const _chunk of createReadStream(path, { highWaterMark: 1 << 20 }));
}

/** nginx writes down a request when it is over, which is noticed a little after a client has gone. */
async function settled(log: string): Promise<string> {
  let size = -1;
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    const now = (await stat(log)).size;
    if (now === size) return readFile(log, 'utf8');
    size = now;
  }
}
