import { generateKeyPairSync } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { run } from '../commands.ts';
import { nodeName } from './box.ts';
import type { State } from './state.ts';

export type Certificate = { crt: string; key: string };
export type Certificates = {
  ca: Certificate;
  apiserver: Certificate;
  admin: Certificate;
  controllerManager: Certificate;
  scheduler: Certificate;
  proxy: Certificate;
  kubelet: Certificate;
  /** Signs the tokens of service accounts. */
  serviceAccountKey: string;
};

/**
 * One authority and a certificate per component, named as Kubernetes' bootstrap roles expect them:
 * https://kubernetes.io/docs/setup/best-practices/certificates/
 */
export async function makeCertificates(state: State, address: string): Promise<Certificates> {
  await mkdir(state.at('certificates'), { recursive: true, mode: 0o700 });
  const ca = await issueAuthority(state, 'ca');
  const issueClient = (name: string, subject: string) => issue(state, name, subject, { ca });
  const [apiserver, admin, controllerManager, scheduler, proxy, kubelet] = await Promise.all([
    issueServing(state, 'apiserver', { ca, address }),
    issueClient('admin', '/O=system:masters/CN=admin'),
    issueClient('controller-manager', '/CN=system:kube-controller-manager'),
    issueClient('scheduler', '/CN=system:kube-scheduler'),
    issueClient('proxy', '/CN=system:kube-proxy'),
    issue(state, 'kubelet', `/O=system:nodes/CN=system:node:${nodeName}`, {
      ca,
      names: [`DNS:${nodeName}`, `IP:${address}`],
    }),
  ]);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const serviceAccountKey = state.at('certificates', 'service-account.key');
  await writeFile(serviceAccountKey, privateKey.export({ type: 'sec1', format: 'pem' }), { mode: 0o600 });
  return { ca, apiserver, admin, controllerManager, scheduler, proxy, kubelet, serviceAccountKey };
}

/** Signs itself. */
export function issueAuthority(state: State, name: string): Promise<Certificate> {
  return issue(state, name, '/CN=longshore-test-cluster');
}

/** What an API server shows to whoever connects to it, on this address or by the names that pods know. */
export function issueServing(
  state: State,
  name: string,
  { ca, address }: { ca: Certificate; address: string },
): Promise<Certificate> {
  const names = [
    ...['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'].map(
      (each) => `DNS:${each}`,
    ),
    ...new Set(['127.0.0.1', '10.96.0.1', address].map((ip) => `IP:${ip}`)),
  ];
  return issue(state, name, '/CN=kube-apiserver', { ca, names });
}

/** A kubeconfig that carries its certificates, so that it can be copied elsewhere. */
export async function kubeconfig(server: string, ca: Certificate, user: Certificate): Promise<string> {
  const encoded = async (path: string) => (await readFile(path)).toString('base64');
  const cluster = { server, 'certificate-authority-data': await encoded(ca.crt) };
  const credentials = {
    'client-certificate-data': await encoded(user.crt),
    'client-key-data': await encoded(user.key),
  };
  // JSON is YAML.
  return JSON.stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'longshore',
      clusters: [{ name: 'longshore', cluster }],
      users: [{ name: 'longshore', user: credentials }],
      contexts: [{ name: 'longshore', context: { cluster: 'longshore', user: 'longshore' } }],
    },
    null,
    2,
  );
}

async function issue(
  state: State,
  name: string,
  subject: string,
  { ca, names = [] }: { ca?: Certificate; names?: string[] } = {},
): Promise<Certificate> {
  const crt = state.at('certificates', `${name}.crt`);
  const key = state.at('certificates', `${name}.key`);
  const signing = ca
    ? ['-CA', ca.crt, '-CAkey', ca.key, '-addext', 'basicConstraints=critical,CA:FALSE']
    : ['-addext', 'keyUsage=critical,keyCertSign,digitalSignature'];
  const usage = ca ? ['-addext', 'extendedKeyUsage=serverAuth,clientAuth'] : [];
  const alternative = names.length > 0 ? ['-addext', `subjectAltName=${names.join(',')}`] : [];
  const fresh = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -days 3650'.split(' ');
  const output = ['-keyout', key, '-out', crt];
  await run('openssl', [
    'req',
    '-x509',
    ...fresh,
    '-subj',
    subject,
    ...signing,
    ...usage,
    ...alternative,
    ...output,
  ]);
  return { crt, key };
}
