import { OciSource } from '../../api/source.ts';
import type { RegistryLogin } from '../credentials.ts';
import { createHttpGet } from '../http/http.ts';
import { ociSource } from '../oci/oci.ts';
import type { Source } from '../source.ts';

/** An artifact of a registry on this machine, without waits. @param name Without the registry. */
export function ociAt(
  name: string,
  { endpoint, login, files }: { endpoint: string; login?: RegistryLogin | undefined; files?: string[] },
): Source {
  const patience = { tries: 1, sleep: async () => {}, random: () => 0 };
  const spec = { reference: `${new URL(endpoint).host}/${name}`, plainHTTP: true, files };
  return ociSource(OciSource.parse(spec), { get: createHttpGet(), login, patience });
}
