import type { Answer, DecodedPacket, Packet, Question } from 'dns-packet';

/** Clients ask again after this many seconds; short, as a test's Services come and go. */
const ttl = 2;

/** What names stand for. Each answers undefined for a name it does not know. */
export type Zone = {
  /** A name of an extra host, lower case. */
  host: (name: string) => string | undefined;
  /** The addresses of a Service: its cluster IP, or those of its ready endpoints when it is headless. */
  service: (namespace: string, name: string) => Promise<string[] | undefined>;
  /** The addresses of one pod of a headless Service, by its hostname. */
  endpoint: (namespace: string, service: string, hostname: string) => Promise<string[] | undefined>;
};

/**
 * Answers as a cluster's DNS does: https://github.com/kubernetes/dns/blob/master/docs/specification.md
 * Only addresses are served; a name that exists has no other records. All other names do not exist, which is what
 * makes a resolver go on quickly to the next of its search domains.
 */
export async function answer(query: DecodedPacket, zone: Zone): Promise<Packet> {
  const question = query.questions?.[0];
  const addresses = question ? await resolve(question.name, zone) : undefined;
  const answers = question?.type === 'A' ? records(question, addresses ?? []) : [];
  return {
    type: 'response',
    id: query.id ?? 0,
    // The low four bits of the flags are the response code: 3 is NXDOMAIN.
    flags: authoritative | ((query.flags ?? 0) & recursionDesired) | (addresses ? 0 : 3),
    questions: query.questions ?? [],
    answers,
  };
}

const authoritative = 1 << 10;
const recursionDesired = 1 << 8;

async function resolve(asked: string, zone: Zone): Promise<string[] | undefined> {
  const name = asked.toLowerCase().replace(/\.$/, '');
  const host = zone.host(name);
  if (host !== undefined) return [host];
  const suffix = '.svc.cluster.local';
  if (!name.endsWith(suffix)) return undefined;
  const [first = '', second = '', third, ...rest] = name.slice(0, -suffix.length).split('.').toReversed();
  if (!first || !second || rest.length > 0) return undefined;
  return third === undefined ? zone.service(first, second) : zone.endpoint(first, second, third);
}

function records({ name }: Question, addresses: readonly string[]): Answer[] {
  return addresses.map((data) => ({ type: 'A', class: 'IN', name, ttl, data }));
}
