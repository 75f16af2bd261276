import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { stringify } from 'yaml';
import { jobs } from '../../src/kube/builtin.ts';
import { ApiError } from '../../src/kube/errors.ts';
import type { Kind, KubeObject } from '../../src/kube/kind.ts';
import { connect } from '../../src/kube/client.ts';
import { run } from '../cluster/commands.ts';
import { renderChart } from './chart.ts';
import { eventually } from './eventually.ts';
import { pullerImage, runtimeImages } from './operator-process.ts';

const policies: Kind<KubeObject & { status?: { typeChecking?: object } }> = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingAdmissionPolicy',
  plural: 'validatingadmissionpolicies',
  namespaced: false,
};

const account = 'longshore-operator';
const ofAccount = new Set([
  'ServiceAccount',
  'Role',
  'RoleBinding',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding',
]);
const repositoryOf = (image: string) => ({ repository: image.slice(0, image.lastIndexOf(':')) });

/**
 * The account of an operator in a namespace as the chart makes it for one that looks after that namespace alone: its rights,
 * and the policy that it is held to.
 */
export class OperatorAccount implements AsyncDisposable {
  /** Of the account, with no more rights than it has. */
  readonly kubeconfig: string;
  readonly #undo: () => Promise<unknown>;

  private constructor(kubeconfig: string, undo: () => Promise<unknown>) {
    this.kubeconfig = kubeconfig;
    this.#undo = undo;
  }

  /** @param admin path of a kubeconfig with every right */
  static async install(kubectl: string, admin: string, namespace: string): Promise<OperatorAccount> {
    const runtime = Object.fromEntries(
      Object.entries(runtimeImages).map(([variant, image]) => [variant, repositoryOf(image)]),
    );
    const image = { operator: repositoryOf(pullerImage), runtime };
    const rendered = await renderChart({ watchNamespace: namespace, image }, namespace);
    const objects = rendered.filter(
      ({ kind = '', metadata }) =>
        ofAccount.has(kind) && metadata?.annotations?.['helm.sh/hook'] === undefined,
    );
    const input = objects.map((object) => stringify(object)).join('---\n');
    const ask = (...words: string[]) =>
      run(kubectl, ['--kubeconfig', admin, '--namespace', namespace, ...words], { input });
    await ask('apply', '-f', '-');

    const folder = await mkdtemp(join(tmpdir(), 'longshore-account-'));
    const undo = async (): Promise<void> => {
      await ask('delete', '--wait=false', '-f', '-');
      await rm(folder, { recursive: true });
    };
    const config = new KubeConfig();
    config.loadFromFile(admin);
    const theirs = new KubeConfig();
    const token = (await ask('create', 'token', account)).trim();
    theirs.loadFromClusterAndUser(config.getCurrentCluster()!, { name: account, token });
    const file = join(folder, 'kubeconfig');
    await writeFile(file, theirs.exportConfig());
    const installed = new OperatorAccount(file, undo);
    await policyHolds(config, theirs, namespace);
    return installed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#undo();
  }
}

/** The API server has read the policy, found nothing wrong in it, and goes by it. */
async function policyHolds(admin: KubeConfig, theirs: KubeConfig, namespace: string): Promise<void> {
  const [reader, writer] = [
    connect(admin, { fieldManager: 'test' }),
    connect(theirs, { fieldManager: 'test' }),
  ];
  const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'busybox' }] } };
  const metadata = { generateName: 'probe-', namespace };
  try {
    await eventually(async () => {
      const { status } = await reader.get(policies, { name: `${account}.${namespace}` });
      if (!status?.typeChecking) throw new Error('the API server has not looked at the expressions yet');
      const { expressionWarnings = [] } = status.typeChecking as { expressionWarnings?: unknown[] };
      if (expressionWarnings.length > 0) throw new Error(JSON.stringify(expressionWarnings));
      const answer = await writer
        .create(jobs, { metadata, spec: { template } })
        .catch((error: unknown) => error);
      if (!(answer instanceof ApiError && answer.message.includes('managed by it'))) {
        throw new Error('the policy holds nobody yet', { cause: answer });
      }
    });
  } finally {
    await Promise.all([reader.close(), writer.close()]);
  }
}
