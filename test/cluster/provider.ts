export type ProviderName = 'native' | 'kind' | 'existing';

/** A Kubernetes to test on, whatever brought it up. */
export interface Cluster {
  readonly name: string;
  readonly provider: ProviderName;
  /** Path of a kubeconfig that works on this machine. */
  readonly kubeconfig: string;
  /**
   * The address at which a pod reaches a server on this machine that listens on it or on 0.0.0.0.
   * Undefined without a node, and on an existing cluster that does not say it.
   */
  readonly hostAddress: string | undefined;
  /** Makes the images of these OCI archives available to pods, under the names the archives carry. */
  loadImages(archives: string[]): Promise<void>;
  down(): Promise<void>;
}

export type StartOptions = {
  name: string;
  /** `control-plane` has an API and controllers but no node: pods stay pending unless the test plays the kubelet. */
  mode: 'node' | 'control-plane';
  say: (line: string) => void;
  /** More DNS names for pods: name -> IPv4 address, or `host` for this machine. */
  hosts?: Record<string, string>;
  /** Whether a control-plane cluster runs the controller manager: garbage collection, Jobs, Deployments. Default true. */
  controllers?: boolean;
};

/** One way to have clusters; cluster.ts says what each function promises. */
export type Provider = {
  start: (options: StartOptions) => Promise<Cluster>;
  stop: (name: string) => Promise<void>;
  find: (name: string) => Promise<Cluster | undefined>;
};
