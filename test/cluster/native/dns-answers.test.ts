import type { RecordType } from 'dns-packet';
import { decode, encode } from 'dns-packet';
import { describe, expect, it } from 'vitest';
import { answer } from './dns-answers.ts';
import type { Zone } from './dns-answers.ts';

const zone: Zone = {
  host: (name) => (name === 'hub.test' ? '198.18.0.1' : undefined),
  service: async (namespace, name) =>
    namespace === 'demo'
      ? { web: ['10.96.0.7'], pods: ['10.244.0.5', '10.244.0.6'], idle: [] }[name]
      : undefined,
  endpoint: async (namespace, service, hostname) =>
    `${hostname}.${service}.${namespace}` === 'a-0.pods.demo' ? ['10.244.0.5'] : undefined,
};

/** As it goes over the wire: response code and addresses. */
async function ask(name: string, type: RecordType = 'A'): Promise<string> {
  const query = decode(encode({ type: 'query', id: 7, flags: 1 << 8, questions: [{ type, name }] }));
  const response = decode(encode(await answer(query, zone)));
  expect(response.id).toBe(7);
  expect(response.questions?.[0]?.name).toBe(name);
  const addresses = (response.answers ?? []).map((record) =>
    record.type === 'A' ? record.data : record.type,
  );
  // dns-packet decodes a response code, which its types leave out.
  const rcode = 'rcode' in response ? response.rcode : undefined;
  return [rcode, ...addresses].join(' ');
}

describe('the DNS of a cluster', () => {
  it('answers a Service with its address', async () => {
    expect(await ask('web.demo.svc.cluster.local')).toBe('NOERROR 10.96.0.7');
    expect(await ask('WEB.Demo.svc.cluster.local')).toBe('NOERROR 10.96.0.7');
  });

  it('answers a headless Service with those of its pods, and one of them by hostname', async () => {
    expect(await ask('pods.demo.svc.cluster.local')).toBe('NOERROR 10.244.0.5 10.244.0.6');
    expect(await ask('a-0.pods.demo.svc.cluster.local')).toBe('NOERROR 10.244.0.5');
  });

  it('knows a Service without pods: no address, yet the name exists', async () => {
    expect(await ask('idle.demo.svc.cluster.local')).toBe('NOERROR');
  });

  it('has no IPv6 address for a name that exists', async () => {
    expect(await ask('web.demo.svc.cluster.local', 'AAAA')).toBe('NOERROR');
    expect(await ask('hub.test', 'AAAA')).toBe('NOERROR');
  });

  it('answers extra hosts', async () => {
    expect(await ask('hub.test')).toBe('NOERROR 198.18.0.1');
  });

  it.each([
    'hub.test.demo.svc.cluster.local',
    'hub.test.svc.cluster.local',
    'hub.test.cluster.local',
    'web.other.svc.cluster.local',
    'svc.cluster.local',
    'a.b.c.d.svc.cluster.local',
    'nowhere.test',
  ])('says at once that %s does not exist', async (name) => {
    expect(await ask(name)).toBe('NXDOMAIN');
  });
});
