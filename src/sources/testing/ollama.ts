import type { RegistryLogin } from '../credentials.ts';
import { createHttpGet } from '../http/http.ts';
import { ollamaSource } from '../ollama/ollama.ts';
import type { Source } from '../source.ts';

/** A model of a registry on this machine, without waits. */
export function ollamaAt(
  model: string,
  {
    endpoint,
    token,
    login = token === undefined ? undefined : { kind: 'token', token },
    tries = 1,
  }: { endpoint: string; token?: string; login?: RegistryLogin | undefined; tries?: number },
): Source {
  const patience = { tries, sleep: async () => {}, random: () => 0 };
  return ollamaSource({ model, endpoint }, { get: createHttpGet(), login, patience });
}
