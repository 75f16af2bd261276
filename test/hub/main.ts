/**
 * The hub as a program, for the demo and for pods:
 *   node test/hub/main.ts --host 192.0.2.1 --port 8090 [--bytes-per-second 5000000] [--tiny]
 * Prints one line of JSON once it listens: {"url","cdnUrl","token","repos"}. `--tiny` spares fetching the real model.
 */
import { parseArgs } from 'node:util';
import { standardRepos, strangerToken, testToken } from './content.ts';
import { startHub } from './hub.ts';
import { gemma } from './model.ts';

const { values } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '8090' },
    'cdn-port': { type: 'string', default: '0' },
    'public-host': { type: 'string' },
    'cdn-host': { type: 'string' },
    'bytes-per-second': { type: 'string' },
    tiny: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
});

const repos = standardRepos(values.tiny ? {} : { gemma: (await gemma()).path });
const hub = await startHub({
  repos,
  host: values.host,
  port: Number(values.port),
  cdnPort: Number(values['cdn-port']),
  tokens: [testToken, strangerToken],
  ...(values['public-host'] !== undefined && { publicHost: values['public-host'] }),
  ...(values['cdn-host'] !== undefined && { cdnHost: values['cdn-host'] }),
  ...(values['bytes-per-second'] !== undefined && { bytesPerSecond: Number(values['bytes-per-second']) }),
  ...(values.verbose && { log: (line: string) => process.stderr.write(`${line}\n`) }),
});
const greeting = { url: hub.url, cdnUrl: hub.cdnUrl, token: testToken, repos: repos.map((repo) => repo.id) };
process.stdout.write(`${JSON.stringify(greeting)}\n`);

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => void hub.close());
}
