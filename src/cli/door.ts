import type { z } from 'zod';
import type { Model, ModelSpec } from '../api/model.ts';
import type { ModelServer, ModelServerSpec } from '../api/modelserver.ts';
import type { Kind, KubeObject, Live } from '../kube/kind.ts';

/** Where to go, as the options of every verb say it. */
export interface DoorOptions {
  namespace?: string | undefined;
  context?: string | undefined;
  kubeconfig?: string | undefined;
  /** Of a gateway; absent: the kubeconfig says the cluster. */
  server?: string | undefined;
  /** Of the gateway; without one, of the server that is asked. */
  apiKey?: string | undefined;
  /** A file of certificates, in PEM, that the gateway's is to be signed by. */
  certificateAuthority?: string | undefined;
}

/** As a Model is asked for: what is left out becomes its default. */
export interface NewModel extends KubeObject {
  metadata: { name: string };
  spec: z.input<typeof ModelSpec>;
}

export interface NewServer extends KubeObject {
  metadata: { name: string };
  spec: z.input<typeof ModelServerSpec>;
}

/** What a request to a server goes by, as `fetch` has it. */
export type Send = (
  url: string,
  init: { method: string; headers: Record<string, string>; body: string; signal: AbortSignal },
) => Promise<Response>;

/** A way to the API of a server, until it is disposed of. */
export interface Way extends Disposable {
  /** Without a slash at its end, e.g. `http://127.0.0.1:8080`. */
  url: string;
  /** What the server is called in requests there. */
  model: string;
  apiKey: string | undefined;
  send: Send;
}

/** The program that looks after the cluster, or leads to it. */
export interface Reached {
  program: 'operator' | 'gateway';
  /** Undefined where that cannot be told. */
  version: string | undefined;
  /** Of the gateway, or the namespace of the operator. */
  at: string | undefined;
}

/**
 * The cluster as the verbs need it, by whichever way it is reached: through its API server, or through a gateway. Objects are
 * the same both ways, and so are the words and the exit codes of the CliErrors that everything rejects with.
 */
export interface Door extends AsyncDisposable {
  readonly namespace: string;
  /** How to get here again: `longshore -n team`. */
  readonly self: string;
  /** Whether Models and ModelServers can be seen from here; where not, servers are asked by the names that people give. */
  readonly canLook: boolean;
  find<T extends Model | ModelServer>(kind: Kind<T>, name: string): Promise<Live<T> | undefined>;
  /** @param everywhere in every namespace */
  list<T extends Model | ModelServer>(kind: Kind<T>, everywhere?: boolean): Promise<Live<T>[]>;
  /** An object as it is now, and each time that it changes; undefined when it is gone. Ends with its signal, by its reason. */
  follow<T extends Model | ModelServer>(
    kind: Kind<T>,
    name: string,
    signal: AbortSignal,
  ): AsyncGenerator<Live<T> | undefined>;
  /** Makes it, or answers with the one of its name that is there already. */
  makeModel(model: NewModel): Promise<Live<Model> | undefined>;
  makeServer(server: NewServer): Promise<Live<ModelServer> | undefined>;
  /** @param force also when servers use it */
  deleteModel(model: Live<Model>, force: boolean): Promise<void>;
  deleteServer(server: Live<ModelServer>): Promise<void>;
  wayTo(server: string): Promise<Way>;
  reached(): Promise<Reached>;
}

/** What was tried, in the words of a CliError. */
export const tried = {
  find: (kind: Kind<KubeObject>, name: string) => `look up ${kind.kind} ${name}`,
  list: (kind: Kind<KubeObject>) => `list ${kind.plural}`,
  follow: (kind: Kind<KubeObject>, name: string) => `follow ${kind.kind} ${name}`,
  make: (kind: Kind<KubeObject>, name: string) => `make ${kind.kind} ${name}`,
  remove: (kind: Kind<KubeObject>, name: string) => `delete ${kind.kind} ${name}`,
} as const;
