import { createSocket } from 'node:dgram';
import { readFileSync, statSync } from 'node:fs';
import { decode, encode } from 'dns-packet';
import { z } from 'zod';
import { answer } from './dns-answers.ts';
import type { Zone } from './dns-answers.ts';
import { get } from './own-api.ts';

const Service = z.object({ spec: z.object({ clusterIP: z.string().optional() }) });
const Endpoint = z.object({
  addresses: z.array(z.string()),
  hostname: z.string().optional(),
  conditions: z.object({ ready: z.boolean().optional() }).optional(),
});
const EndpointSlices = z.object({
  items: z.array(z.object({ addressType: z.string(), endpoints: z.array(Endpoint).nullish() })),
});
const Hosts = z.record(z.string(), z.string());

/**
 * The cluster's DNS server: `node dns.ts <kubeconfig> <address> <hosts.json>`, on UDP port 53 of the address.
 * It asks the API server when it is asked, and remembers for a second: no watch that could fall behind.
 */
const [kubeconfig = '', address = '', hostsPath = ''] = process.argv.slice(2);

const addressesOf = remember(async (namespace: string, name: string) => {
  const service = await get(kubeconfig, `/api/v1/namespaces/${namespace}/services/${name}`);
  if (service === undefined) return undefined;
  const { clusterIP } = Service.parse(JSON.parse(service)).spec;
  if (clusterIP && clusterIP !== 'None') return [clusterIP];
  return (await readyEndpoints(namespace, name)).flatMap(({ addresses }) => addresses);
});

const readyEndpoints = remember(async (namespace: string, service: string) => {
  const query = `labelSelector=${encodeURIComponent(`kubernetes.io/service-name=${service}`)}`;
  const path = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices?${query}`;
  const { items } = EndpointSlices.parse(JSON.parse((await get(kubeconfig, path)) ?? '{"items":[]}'));
  return items
    .filter(({ addressType }) => addressType === 'IPv4')
    .flatMap(({ endpoints }) => endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false);
});

const zone: Zone = {
  host: (name) => hosts()[name],
  service: addressesOf,
  endpoint: async (namespace, service, hostname) => {
    const endpoints = await readyEndpoints(namespace, service);
    const found = endpoints.filter((endpoint) => endpoint.hostname === hostname);
    return found.length > 0 ? found.flatMap(({ addresses }) => addresses) : undefined;
  },
};

/** The same function with each answer kept for a second; a failure is not kept. */
function remember<T>(find: (namespace: string, name: string) => Promise<T>): typeof find {
  const known = new Map<string, { until: number; answer: Promise<T> }>();
  return (namespace, name) => {
    const key = `${namespace}/${name}`;
    const kept = known.get(key);
    if (kept && kept.until > Date.now()) return kept.answer;
    if (known.size > 10_000) known.clear();
    const answer = find(namespace, name);
    answer.catch(() => known.delete(key));
    known.set(key, { until: Date.now() + 1000, answer });
    return answer;
  };
}

let read: { changed: number; hosts: Record<string, string> } = { changed: -1, hosts: {} };

/** Read again when it changes: a cluster that is reused may be given other hosts. */
function hosts(): Record<string, string> {
  const changed = statSync(hostsPath).mtimeMs;
  if (changed !== read.changed)
    read = { changed, hosts: Hosts.parse(JSON.parse(readFileSync(hostsPath, 'utf8'))) };
  return read.hosts;
}

const socket = createSocket('udp4');
socket.on('message', (message, { address, port }) => {
  void (async () => {
    try {
      socket.send(encode(await answer(decode(message), zone)), port, address);
    } catch (error) {
      // No answer: the client asks again, and by then the API server may be reached.
      console.error(error);
    }
  })();
});
socket.bind(53, address, () => console.log(`Serving on ${address}`));
