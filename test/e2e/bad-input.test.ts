import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCondition } from '../../src/kube/conditions.ts';
import { standard, strangerToken, testToken } from '../hub/content.ts';
import { tinyGguf } from '../hub/gguf.ts';
import { isReady, readyReason, World } from './world.ts';

// Each has Models of its own, and most of the time is spent waiting.
describe.concurrent('a Model that cannot be had', () => {
  let world: World;
  beforeAll(async () => {
    world = await World.start();
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const stalled: [string, Record<string, unknown>, string, RegExp][] = [
    ['a repository that does not exist', { repo: 'longshore/nothing' }, 'RepoNotFound', /longshore\/nothing/],
    [
      'a revision that does not exist',
      { repo: standard.gemma.repo, revision: 'v9' },
      'RevisionNotFound',
      /v9/,
    ],
    [
      'a file that does not exist',
      { repo: standard.gemma.repo, files: ['no.gguf'] },
      'FileNotFound',
      /no\.gguf/,
    ],
    [
      'a quantization that does not exist',
      { repo: standard.twoQuants.repo, quantization: 'Q2_K' },
      'QuantizationNotFound',
      /Q4_K_M.*Q8_0/,
    ],
    ['no choice among several files', { repo: standard.twoQuants.repo }, 'AmbiguousFiles', /Q4_K_M.*Q8_0/],
    ['no GGUF file', { repo: standard.safetensors.repo }, 'NoModelFile', /GGUF/],
    ['a file that is not GGUF', { repo: standard.notGguf.repo }, 'NotGGUF', /not-really/],
    ['a gated repository without a token', { repo: standard.gated.repo }, 'GatedRepo', /gated/i],
  ];

  it.for(stalled)('says so: %s', async ([, source, reason, message], { task }) => {
    const name = `bad-${stalled.findIndex(([title]) => task.name.endsWith(title))}`;
    const started = performance.now();
    await world.applyModel(name, { huggingFace: source });
    const { status } = await world.model(name, (model) => readyReason(model) === reason);
    console.log(`${reason} after ${((performance.now() - started) / 1000).toFixed(1)} s`);
    const ready = findCondition(status?.conditions, 'Ready');
    expect(ready).toMatchObject({ status: 'False', reason });
    expect(ready?.message).toMatch(message);
    expect(findCondition(status?.conditions, 'Stalled')?.status).toBe('True');
    expect(findCondition(status?.conditions, 'Resolved')).toMatchObject({ status: 'False', reason });
  });

  it('recovers by itself when the source is mended', async () => {
    await world.applyModel('late', { huggingFace: { repo: 'longshore/late' } });
    await world.model('late', (model) => readyReason(model) === 'RepoNotFound');
    await world.hub.addRepo({ id: 'longshore/late', files: { 'late-Q4_K_M.gguf': tinyGguf({ seed: 11 }) } });
    await world.model('late', isReady);
  });

  it('recovers when the spec is mended', async () => {
    await world.applyModel('mended', {
      huggingFace: { repo: standard.twoQuants.repo, quantization: 'Q2_K' },
    });
    await world.model('mended', (model) => readyReason(model) === 'QuantizationNotFound');
    await world.applyModel('mended', {
      huggingFace: { repo: standard.twoQuants.repo, quantization: 'Q8_0' },
    });
    const { status } = await world.model('mended', isReady);
    expect(status?.artifact?.files.map(({ path }) => path)).toEqual([standard.twoQuants.other]);
  });

  it('names the Secret that is missing, and goes on when it comes', async () => {
    const credentials = { secretName: 'hub-token' };
    await world.applyModel('gated', { huggingFace: { repo: standard.gated.repo } }, { credentials });
    const { status } = await world.model('gated', (model) => readyReason(model) === 'CredentialsNotFound');
    expect(findCondition(status?.conditions, 'Ready')?.message).toMatch(/Secret/);
    await world.applySecret('hub-token', { token: testToken, host: world.hub.url });
    await world.model('gated', isReady);
    expect(
      world.hub.requests.filter(({ origin, authorization }) => origin === 'cdn' && authorization),
    ).toEqual([]);
  });

  it('says that a token was not let in', async () => {
    await world.applySecret('stranger', { token: strangerToken, host: world.hub.url });
    await world.applyModel(
      'stranger',
      { huggingFace: { repo: standard.gated.repo } },
      { credentials: { secretName: 'stranger' } },
    );
    await world.model('stranger', (model) => readyReason(model) === 'GatedRepo');
  });

  it('sends a token to no other host than the one it is for', async () => {
    await world.applySecret('elsewhere', { token: 'hf_secret_of_another_hub' });
    await world.applyModel(
      'elsewhere',
      { huggingFace: { repo: standard.gated.repo } },
      { credentials: { secretName: 'elsewhere' } },
    );
    await world.model('elsewhere', (model) => readyReason(model) === 'CredentialsForAnotherHost');
    expect(world.hub.requests.filter(({ authorization }) => authorization?.includes('another_hub'))).toEqual(
      [],
    );
  });

  it('is refused at once when a server names no Model', async () => {
    await world.applyServer('lonely', { modelRef: { name: 'nobody' } });
    await world.server('lonely', (server) => readyReason(server) === 'ModelNotFound');
  });
});
