import type { KubeClient } from '../client.ts';
import type { Desired, Kind, KubeObject, Live, Ref } from '../kind.ts';

export interface SentRequest {
  verb: 'create' | 'apply' | 'applyStatus' | 'patch';
  name: string | undefined;
  namespace: string | undefined;
  object: Record<string, unknown>;
}

export type Writer = Pick<KubeClient, 'create' | 'apply' | 'applyStatus' | 'patch'>;

/** A client that writes down what it is sent, and fails with `failures[verb]` where there is one. */
export function recordClient(failures: Partial<Record<SentRequest['verb'], Error>> = {}): {
  client: Writer;
  sent: SentRequest[];
} {
  const sent: SentRequest[] = [];
  const answer = <T extends KubeObject>(
    verb: SentRequest['verb'],
    { name, namespace }: Partial<Ref>,
    object: object,
  ): Promise<Live<T>> => {
    sent.push({ verb, name, namespace, object: { ...object } });
    const failure = failures[verb];
    return failure === undefined ? Promise.resolve(object as Live<T>) : Promise.reject(failure);
  };
  const write =
    (verb: SentRequest['verb']) =>
    <T extends KubeObject>(_kind: Kind<T>, object: Desired<T>): Promise<Live<T>> =>
      answer<T>(verb, { name: object.metadata?.name ?? '', namespace: object.metadata?.namespace }, object);
  return {
    sent,
    client: {
      create: write('create'),
      apply: write('apply'),
      applyStatus: write('applyStatus'),
      patch: <T extends KubeObject>(_kind: Kind<T>, ref: Ref, patch: object) =>
        answer<T>('patch', ref, patch),
    },
  };
}
