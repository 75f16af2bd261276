/**
 * An Ollama registry without internet: a real docker-registry, behind a front that gives blobs away as Ollama's
 * does, at signed URLs of a second origin. So do most registries, and this one holds artifacts of any kind.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { controlsOf, goodLine } from '../bytes.ts';
import type { LineControls } from '../bytes.ts';
import { openCdn } from '../cdn.ts';
import type { Stored } from '../cdn.ts';
import type { Exchange, RecordedRequest } from '../exchange.ts';
import { createOrigin, listen, originUrl, stop } from '../origin.ts';
import { answerRegistry, refuse } from './front.ts';
import type { Front } from './front.ts';
import { openGuard } from './guard.ts';
import type { GuardOptions } from './guard.ts';
import { pushArtifact, pushIndex, pushModel } from './push.ts';
import type { Artifact, ArtifactIndex, OllamaModel, Pushed } from './push.ts';
import { startStorage } from './storage.ts';

export type OllamaRegistryOptions = {
  /** What it is filled with. */
  models: OllamaModel[];
  /** Default 127.0.0.1. */
  host?: string;
  /** Default: any free one. */
  port?: number;
  blobPort?: number;
  /** Name or address in the URLs it hands out; by default the one a request was sent to. */
  publicHost?: string;
  /** That of the blobs, when it shall differ: Ollama follows a redirect that stays on one host name. */
  blobHost?: string;
  /** Of one blob connection; undefined for as fast as it goes. */
  bytesPerSecond?: number;
  /** How long a blob's URL is good for. */
  urlLifetimeSeconds?: number;
  /** Milliseconds since the epoch; a test moves it to let URLs expire. */
  now?: () => number;
  /** Whom requests to the registry must come from; those for blobs need none. */
  guard?: GuardOptions;
  /**
   * Manifests come as from registry.ollama.ai: plain text without Content-Length and Docker-Content-Digest, and
   * HEAD is 405. Without, they come as from docker-registry.
   */
  bare?: boolean;
  log?: (line: string) => void;
};

/** The controls are those of the blobs. */
export type OllamaRegistry = LineControls & {
  url: string;
  blobUrl: string;
  /** docker-registry itself, which redirects nowhere. */
  storageUrl: string;
  /** Where docker-registry keeps its files, and its process. */
  storage: { folder: string; pid: number };
  /** Everything both origins were asked, in order of arrival. */
  requests: RecordedRequest[];
  /** The next `times` requests for a blob with a good URL are answered with this status. */
  failBlobs(status: number, times: number): void;
  /** Blob URLs handed out so far answer 403 from now on. */
  expireUrls(): void;
  /** Digest of the manifest of `namespace/name[:tag]`, as `sha256:...`; the tag is `latest` by default. */
  digestOf(name: string): string;
  /** Also moves the model's tags; resolves to the digest of the manifest. */
  push(model: OllamaModel): Promise<string>;
  /** Artifacts of other kinds. */
  pushArtifact(artifact: Artifact): Promise<Pushed>;
  pushIndex(index: ArtifactIndex): Promise<Pushed>;
  /** Ends open connections too, and what was pushed. */
  close(): Promise<void>;
};

export async function startOllamaRegistry(options: OllamaRegistryOptions): Promise<OllamaRegistry> {
  const { host = '127.0.0.1', publicHost, log = () => {} } = options;
  const requests: RecordedRequest[] = [];
  const line = goodLine(options.bytesPerSecond);
  const digests = new Map<string, string>();
  const newer = new Set<string>();
  const storage = await startStorage();
  const push = async (model: OllamaModel): Promise<string> => {
    const digest = await pushModel(storage.url, model);
    for (const tag of model.tags) digests.set(`${model.name}:${tag}`, digest);
    for (const reference of [...model.tags, digest]) {
      const path = `/v2/${model.name}/manifests/${reference}`;
      if (model.requiresNewer) newer.add(path);
      else newer.delete(path);
    }
    return digest;
  };

  const blobs = openCdn({
    find: (path) => findBlob(storage.folder, path),
    line,
    urlLifetimeSeconds: options.urlLifetimeSeconds ?? 3600,
    now: options.now ?? Date.now,
  });
  const recording = { requests, log, recover };
  const blobServer = createOrigin('blobs', recording, (exchange) => blobs.answer(exchange));
  const server = createOrigin('registry', recording, (exchange) => answerRegistry(front, exchange));
  const listening: (typeof server)[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(listening.map(stop));
    await storage.close();
  };
  const open = async (origin: typeof server, wanted = 0): Promise<number> => {
    const port = await listen(origin, host, wanted);
    listening.push(origin);
    return port;
  };
  let [port, blobPort] = [0, 0];
  const front: Front = {
    storageUrl: storage.url,
    guard: options.guard && openGuard(options.guard),
    bare: options.bare ?? false,
    newer,
    url: (request) => originUrl(request, port, publicHost),
    signedUrl: (request, digest) =>
      originUrl(request, blobPort, options.blobHost ?? publicHost) + blobs.sign(blobPath(digest), 'data'),
  };
  try {
    for (const model of options.models) await push(model);
    blobPort = await open(blobServer, options.blobPort);
    port = await open(server, options.port);
  } catch (error) {
    await close();
    throw error;
  }

  const name = publicHost ?? (host === '0.0.0.0' ? '127.0.0.1' : host);
  return {
    url: `http://${name}:${port}`,
    blobUrl: `http://${options.blobHost ?? name}:${blobPort}`,
    storageUrl: storage.url,
    storage: { folder: storage.folder, pid: storage.pid },
    requests,
    ...controlsOf(line),
    failBlobs: (status, times) => {
      line.fail = { status, times };
    },
    expireUrls: () => blobs.expireUrls(),
    digestOf: (model) => {
      const digest = digests.get(model.includes(':') ? model : `${model}:latest`);
      if (digest === undefined) throw new Error(`the registry has no model ${model}`);
      return digest;
    },
    push,
    pushArtifact: (artifact) => pushArtifact(storage.url, artifact),
    pushIndex: (index) => pushIndex(storage.url, index),
    close,
  };
}

function recover(exchange: Exchange, error: unknown): void {
  if (exchange.response.headersSent) exchange.response.destroy();
  else refuse(exchange, 500, 'UNKNOWN', error instanceof Error ? error.message : String(error));
}

/** Where docker-registry keeps a blob below its folder; registry.ollama.ai hands out such paths too. */
function blobPath(digest: string): string {
  const hex = digest.replace('sha256:', '');
  return `/docker/registry/v2/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`;
}

async function findBlob(folder: string, path: string): Promise<Stored | undefined> {
  const sha256 = /\/([0-9a-f]{64})\/data$/.exec(path)?.[1];
  if (sha256 === undefined) return undefined;
  const file = join(folder, blobPath(sha256));
  const found = await stat(file).catch(() => undefined);
  return found && { content: { file }, size: found.size, sha256 };
}
