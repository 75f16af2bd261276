import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { z } from 'zod';

/** The kubeconfigs that certificates.ts writes. */
const Cluster = z.object({ server: z.string(), 'certificate-authority-data': z.string() });
const User = z.object({ 'client-certificate-data': z.string(), 'client-key-data': z.string() });
const OwnKubeconfig = z.object({
  clusters: z.tuple([z.object({ cluster: Cluster })]),
  users: z.tuple([z.object({ user: User })]),
});

/**
 * GETs a path of the API; undefined unless the answer is 200. A few lines of HTTP for what must be quick and small:
 * loading the client library takes half a second and 100 MB.
 */
export async function get(kubeconfig: string, path: string): Promise<string | undefined> {
  const { clusters, users } = OwnKubeconfig.parse(JSON.parse(await readFile(kubeconfig, 'utf8')));
  const { cluster } = clusters[0];
  const { user } = users[0];
  const decoded = (data: string) => Buffer.from(data, 'base64');
  const options = {
    ca: decoded(cluster['certificate-authority-data']),
    cert: decoded(user['client-certificate-data']),
    key: decoded(user['client-key-data']),
    agent: false as const,
    timeout: 2_000,
  };
  return new Promise((resolve, reject) => {
    const asked = request(new URL(path, cluster.server), options, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (part: string) => (body += part));
      response.on('end', () => resolve(response.statusCode === 200 ? body : undefined)).on('error', reject);
    });
    asked.on('timeout', () => asked.destroy(new Error(`${path} was not answered in 2 s`)));
    asked.on('error', reject).end();
  });
}
