/**
 * The hub as a program, for the demo and for pods:
 *   node test/hub/main.ts --host 192.0.2.1 --port 8090 [--bytes-per-second 5000000] [--tiny]
 * Prints one line of JSON once it listens: {"url","cdnUrl","token","repos"}. `--tiny` spares fetching the real model.
 * With `--registry-port 8092` it serves the Ollama registry too, and says {"registryUrl","blobUrl","models"} besides.
 */
import { parseArgs } from 'node:util';
import { standardModels, standardRepos, strangerToken, testToken } from './content.ts';
import { startHub } from './hub.ts';
import { gemma } from './model.ts';
import { startOllamaRegistry } from './registry/registry.ts';

const { values } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '8090' },
    'cdn-port': { type: 'string', default: '0' },
    'public-host': { type: 'string' },
    'cdn-host': { type: 'string' },
    'registry-port': { type: 'string' },
    'blob-port': { type: 'string', default: '0' },
    'blob-host': { type: 'string' },
    'bytes-per-second': { type: 'string' },
    tiny: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
});

const weights = values.tiny ? {} : { gemma: (await gemma()).path };
const common = {
  host: values.host,
  ...(values['public-host'] !== undefined && { publicHost: values['public-host'] }),
  ...(values['bytes-per-second'] !== undefined && { bytesPerSecond: Number(values['bytes-per-second']) }),
  ...(values.verbose && { log: (line: string) => process.stderr.write(`${line}\n`) }),
};
const repos = standardRepos(weights);
const hub = await startHub({
  ...common,
  repos,
  port: Number(values.port),
  cdnPort: Number(values['cdn-port']),
  tokens: [testToken, strangerToken],
  ...(values['cdn-host'] !== undefined && { cdnHost: values['cdn-host'] }),
});
const models = standardModels(weights);
const registry =
  values['registry-port'] === undefined
    ? undefined
    : await startOllamaRegistry({
        ...common,
        models,
        port: Number(values['registry-port']),
        blobPort: Number(values['blob-port']),
        ...(values['blob-host'] !== undefined && { blobHost: values['blob-host'] }),
      });
const greeting = {
  url: hub.url,
  cdnUrl: hub.cdnUrl,
  token: testToken,
  repos: repos.map((repo) => repo.id),
  ...(registry && {
    registryUrl: registry.url,
    blobUrl: registry.blobUrl,
    models: models.flatMap(({ name, tags }) => tags.map((tag) => `${name}:${tag}`)),
  }),
};
process.stdout.write(`${JSON.stringify(greeting)}\n`);

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => void Promise.all([hub.close(), registry?.close()]));
}
