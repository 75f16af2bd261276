import type { OciSource } from '../../api/source.ts';

/** A reference with its defaults. */
export interface OciReference {
  /** Where its registry is asked. */
  readonly endpoint: string;
  /** As it is written, for the volume. */
  readonly host: string;
  readonly repository: string;
  readonly tag: string;
  /** Of the manifest, where the reference pins one: `sha256:<hex>`. */
  readonly digest: string | undefined;
}

/** Docker's own registry answers at another name than people write, and leaves out a namespace. */
const dockerHub = { name: 'docker.io', host: 'registry-1.docker.io', namespace: 'library' };

/** @param spec As the schema of `spec.source.oci` admits it. */
export function parseOciReference({ reference, plainHTTP = false }: OciSource): OciReference {
  const [name = '', digest] = reference.split('@');
  const slash = name.indexOf('/');
  const host = name.slice(0, slash).toLowerCase();
  const [path = '', tag = 'latest'] = name.slice(slash + 1).split(':');
  const isDockerHub = host === dockerHub.name;
  return {
    endpoint: `${plainHTTP ? 'http' : 'https'}://${isDockerHub ? dockerHub.host : host}`,
    host,
    repository: isDockerHub && !path.includes('/') ? `${dockerHub.namespace}/${path}` : path,
    tag,
    digest,
  };
}
