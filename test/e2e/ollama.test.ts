import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { findCondition } from '../../src/kube/conditions.ts';
import { standardModels, standardOllama } from '../hub/content.ts';
import { gemma } from '../hub/model.ts';
import { startOllamaRegistry, type OllamaRegistry } from '../hub/registry/registry.ts';
import { isReady, readyReason, World } from './world.ts';

const gemmaDigest = 'a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818';
const { model: name, tag, other } = standardOllama.gemma;

describe('a Model of an Ollama registry', () => {
  let world: World;
  let registry: OllamaRegistry;
  beforeAll(async () => {
    world = await World.start();
    const { hostAddress, blobHost } = inject('e2e');
    const models = standardModels({ gemma: (await gemma()).path });
    registry = await startOllamaRegistry({ host: hostAddress, blobHost, models });
    await world.applyModel('gemma', ollama(`${name}:${tag}`));
  });
  afterAll(async () => {
    await registry.close();
    await world[Symbol.asyncDispose]();
  });

  const ollama = (model: string) => ({ ollama: { model, endpoint: registry.url } });

  it('publishes the weights and every layer beside them, verified, at the digest of the manifest', async () => {
    const { status } = await world.model('gemma', isReady);
    expect(status?.resolved).toMatchObject({
      source: `ollama:${name}:${tag}`,
      revision: registry.digestOf(`${name}:${tag}`),
    });
    expect(status?.artifact?.files[0]).toMatchObject({ role: 'model', sha256: gemmaDigest });
    const roles = status?.artifact?.files.map(({ role }) => role);
    expect(roles?.toSorted()).toEqual(['config', 'license', 'model', 'params', 'system', 'template']);
    expect(status?.gguf).toMatchObject({ architecture: 'gemma3', parameters: '268M' });
  });

  it('took the blobs from another host than the registry', () => {
    const redirected = registry.requests.filter(({ status }) => status === 307);
    expect(redirected.length).toBeGreaterThan(0);
    expect(registry.requests.filter(({ origin }) => origin === 'blobs').length).toBeGreaterThan(0);
    expect(new URL(registry.blobUrl).host).not.toBe(new URL(registry.url).host);
  });

  it('is served with its template, stop strings and context size: a base model chats', async () => {
    await world.applyServer('gemma', { modelRef: { name: 'gemma' } });
    await world.server('gemma', isReady);
    const url = await world.reach('gemma');
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ messages: [{ role: 'user', content: 'What colour is the sky?' }] }),
    });
    const { choices } = (await response.json()) as {
      choices: { message: { content: string }; finish_reason: string }[];
    };
    expect(choices[0]?.message.content).toMatch(/^ ?The sky is blue/);
    expect(choices[0]?.finish_reason).toBe('stop');
    expect(await world.kubectl(['logs', 'deployment/gemma'])).toMatch(/"contextSize":1024\b/);
    const { status } = await world.server(
      'gemma',
      (server) => findCondition(server.status?.conditions, 'ChatTemplateHonored') !== undefined,
    );
    expect(findCondition(status?.conditions, 'ChatTemplateHonored')).toMatchObject({ status: 'True' });
  });

  it('moves to another tag, whose weights are the same and whose parameters are not', async () => {
    await world.applyModel('gemma', ollama(`${name}:${other}`));
    const { status } = await world.model('gemma', isReady);
    expect(status?.artifact?.revision).toBe(registry.digestOf(`${name}:${other}`));
    await world.server(
      'gemma',
      (server) => isReady(server) && server.status?.model?.revision === status?.artifact?.revision,
    );
    // The pod that ends may still be there.
    const logs = ['logs', '--selector=longshore.dev/server=gemma', '--tail=-1'];
    expect(await world.kubectl(logs)).toMatch(/"contextSize":512\b/);
  });

  const refused: [string, string, string, RegExp][] = [
    ['tensor layers', standardOllama.tensors.model, 'UnsupportedModel', /tensor|safetensors/i],
    ['a registry that asks for a newer Ollama', standardOllama.newer.model, 'UnsupportedModel', /newer/],
    ['a model of the cloud', standardOllama.cloud.model, 'UnsupportedModel', /cloud|remote/i],
    ['a tag that does not exist', `${name}:nothing`, 'RevisionNotFound', /nothing/],
    ['a model that does not exist', 'longshore/nothing', 'RevisionNotFound', /longshore\/nothing/],
    ['a digest that does not exist', `${name}@sha256:${'0'.repeat(64)}`, 'RevisionNotFound', /sha256:0000/],
  ];
  it('says what it cannot pull', async () => {
    await Promise.all(refused.map(([, model], index) => world.applyModel(`refused-${index}`, ollama(model))));
    for (const [index, [, , reason, message]] of refused.entries()) {
      const { status } = await world.model(`refused-${index}`, (model) => readyReason(model) === reason);
      expect(findCondition(status?.conditions, 'Ready')?.message).toMatch(message);
      expect(findCondition(status?.conditions, 'Stalled')?.status).toBe('True');
    }
  });

  it('sends no token to a registry that the Secret does not name', async () => {
    await world.applySecret('for-the-public-one', { token: 'secret-of-the-public-registry' });
    await world.applyModel('deputy', ollama(`${name}:${tag}`), {
      credentials: { secretName: 'for-the-public-one' },
    });
    const { status } = await world.model(
      'deputy',
      (model) => readyReason(model) === 'CredentialsForAnotherHost',
    );
    expect(findCondition(status?.conditions, 'Ready')?.message).toContain('https://registry.ollama.ai');
    expect(registry.requests.filter(({ authorization }) => authorization !== undefined)).toEqual([]);
  });
});
