import { KubeConfig } from '@kubernetes/client-node';
import { inject, test } from 'vitest';
import { Transport } from '../../src/kube/transport.ts';

/** Sends objects as kubectl does, with strict validation, as a dry run: nothing is stored. */
export const it = test.extend('apply', { scope: 'file' }, async ({}, { onCleanup }) => {
  const config = new KubeConfig();
  config.loadFromFile(inject('kubeconfig'));
  const transport = new Transport(config, 'kubectl');
  onCleanup(() => transport.close());
  return async ({ kind, metadata, ...rest }: Written): Promise<Answer> => {
    const path = `/apis/longshore.dev/v1alpha1/namespaces/default/${kind.toLowerCase()}s/${metadata.name}`;
    const response = await transport.send(
      {
        method: 'PATCH',
        path,
        query: { dryRun: 'All', fieldManager: 'kubectl', fieldValidation: 'Strict' },
        contentType: 'application/apply-patch+yaml',
        body: { apiVersion: 'longshore.dev/v1alpha1', kind, metadata, ...rest },
      },
      AbortSignal.timeout(10_000),
    );
    const { message = '', spec } = JSON.parse(await response.text()) as { message?: string; spec?: unknown };
    return { accepted: response.status < 300, message, spec };
  };
});

export interface Written {
  kind: string;
  metadata: { name: string };
  spec?: unknown;
}
interface Answer {
  accepted: boolean;
  message: string;
  spec: unknown;
}

export function model(spec: object, name = 'm'): Written {
  return { kind: 'Model', metadata: { name }, spec };
}
export function server(spec: object, name = 's'): Written {
  return { kind: 'ModelServer', metadata: { name }, spec: { modelRef: { name: 'm' }, ...spec } };
}
export function from(huggingFace: object): Written {
  return model({ source: { huggingFace: { repo: 'owner/name', ...huggingFace } } });
}

export const source = { huggingFace: { repo: 'owner/name' } };
