import { describe, expect, it } from 'vitest';
import { OllamaSource } from '../../api/source.ts';
import { parseOllamaName, registryOf } from './ollama-name.ts';

const digest = `sha256:${'a'.repeat(64)}`;

describe('a name', () => {
  it.each([
    ['llama3.1', 'registry.ollama.ai library llama3.1 latest'],
    ['llama3.1:8b', 'registry.ollama.ai library llama3.1 8b'],
    ['acme/m:8b-instruct-q4_K_M', 'registry.ollama.ai acme m 8b-instruct-q4_K_M'],
    ['hf.co/acme/M-GGUF:Q4_K_M', 'hf.co acme M-GGUF Q4_K_M'],
    ['hub.local:5000/acme/m', 'hub.local:5000 acme m latest'],
    [`hub.local:5000/acme/m@${digest}`, `hub.local:5000 acme m latest ${digest}`],
    [`m:8b@${digest}`, `registry.ollama.ai library m 8b ${digest}`],
  ])('%s has the parts that Ollama reads in it', (name, parts) => {
    const { host, namespace, model, tag, digest } = parseOllamaName(
      OllamaSource.parse({ model: name }).model,
    );
    expect([host, namespace, model, tag, digest].filter(Boolean).join(' ')).toBe(parts);
  });
});

describe('the registry', () => {
  it.each([
    [{ model: 'm' }, 'https://registry.ollama.ai'],
    [{ model: 'hub.local:5000/acme/m' }, 'https://hub.local:5000'],
    [{ model: 'acme/m', endpoint: 'http://hub.local/ollama/' }, 'http://hub.local/ollama'],
    // A spec that names two is refused by the API server; were it not, the host in the name would win.
    [{ model: 'hub.local/acme/m', endpoint: 'http://other.local' }, 'https://hub.local'],
  ])('of %j is %s', (spec, url) => {
    expect(registryOf(spec)).toBe(url);
  });

  it('is none when the name begins with no host', () => {
    expect(() => registryOf({ model: 'a:b/acme/m' })).toThrow(/a:b, which is no host/);
  });
});
