import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { expect, inject, it, onTestFinished, vi } from 'vitest';
import { connect } from '../../src/kube/client.ts';
import type { Kind, KubeObject } from '../../src/kube/kind.ts';

type Review = KubeObject & { status?: { userInfo: { username: string } } | undefined };
const reviews: Kind<Review> = {
  apiVersion: 'authentication.k8s.io/v1',
  kind: 'SelfSubjectReview',
  plural: 'selfsubjectreviews',
  namespaced: false,
};

it('a certificate that is replaced in its file is shown to the API server within seconds', async ({
  skip,
}) => {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const folder = await mkdtemp(join(tmpdir(), 'longshore-credentials-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const [certFile, keyFile] = [join(folder, 'crt'), join(folder, 'key')];
  const issued = join(dirname(inject('kubeconfig')), 'certificates');
  const takeOn = async (name: string): Promise<void> => {
    await cp(join(issued, `${name}.crt`), certFile);
    await cp(join(issued, `${name}.key`), keyFile);
  };
  await takeOn('admin').catch(() => skip('the control plane was not made here'));

  const config = new KubeConfig();
  config.loadFromFile(inject('kubeconfig'));
  config.users = config.users.map(({ name }) => ({ name, certFile, keyFile }));
  const client = connect(config, { fieldManager: 'test' });
  onTestFinished(() => client.close());
  const whoAmI = async () => (await client.create(reviews, {})).status?.userInfo.username;
  expect(await whoAmI()).toBe('admin');
  await takeOn('scheduler');
  vi.advanceTimersByTime(5000);
  expect(await whoAmI()).toBe('system:kube-scheduler');
});
