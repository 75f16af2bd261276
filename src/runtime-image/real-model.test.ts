import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { gemma } from '../../test/hub/model.ts';
import { ChatCompletion } from '../protocols/openai/chat.ts';
import { Completion } from '../protocols/openai/completions.ts';
import { RuntimeFailure } from '../protocols/runtime.ts';
import { Runtime } from './testing/runtime.ts';

const counting = { prompt: '1, 2, 3, 4,', temperature: 0, max_tokens: 12 };
const story = { prompt: 'Once upon a time', temperature: 1, max_tokens: 4000 };

/** Milliseconds: two cores may be busy with other tests. */
const patient = { timeout: 20_000 };

const textOf = (completion: Completion) => completion.choices[0]?.text;

describe('a runtime with a real model', { timeout: 60_000 }, () => {
  let runtime: Runtime;
  let percents: number[];

  beforeAll(async () => {
    runtime = await Runtime.start((await gemma()).path);
    percents = await runtime.loaded();
  }, 300_000);

  afterAll(async () => {
    runtime.child.kill('SIGKILL');
    await runtime.exited;
  });

  it('shows the load going up to 100 percent, ready then', async () => {
    expect(percents).toEqual(percents.toSorted((a, b) => a - b));
    expect(percents.at(-1)).toBe(100);
    expect((await fetch(`${runtime.url}/readyz`)).status).toBe(200);
  });

  it('continues a text at temperature 0, and counts its tokens', async () => {
    const completion = await runtime.complete(counting);
    expect(textOf(completion)).toBe(' 5, 6, 7, 8,');
    expect(completion.choices[0]?.finish_reason).toBe('length');
    expect(completion.usage).toMatchObject({ prompt_tokens: 12, completion_tokens: 12, total_tokens: 24 });
  });

  it('streams the same text', async () => {
    const body = await (await runtime.post('/v1/completions', { ...counting, stream: true })).text();
    const events = body.trimEnd().split('\n\n');
    expect(events.at(-1)).toBe('data: [DONE]');
    const chunks = events.slice(0, -1).map((event) => Completion.parse(JSON.parse(event.slice(6))));
    expect(chunks.map(textOf).join('')).toBe(' 5, 6, 7, 8,');
  });

  it('ends before a stop string that lies across tokens', async () => {
    const completion = await runtime.complete({ ...counting, max_tokens: 40, stop: [', 7,'] });
    expect(completion.choices[0]).toMatchObject({ text: ' 5, 6', finish_reason: 'stop' });
  });

  it('streams whole characters where a token is a part of one', async () => {
    const llamas = { prompt: '🦙🦙🦙🦙🦙🦙🦙🦙', temperature: 0, max_tokens: 8 };
    const body = await (await runtime.post('/v1/completions', { ...llamas, stream: true })).text();
    expect(body).toContain('🦙');
    expect(body).not.toContain('\uFFFD');
  });

  it('gives the same text for the same seed', async () => {
    const seeded = { ...story, max_tokens: 8, seed: 7 };
    expect(textOf(await runtime.complete(seeded))).toBe(textOf(await runtime.complete(seeded)));
  });

  it('honours the frequency penalty', async () => {
    const laughing = { prompt: 'ha ha ha ha ha', temperature: 0, max_tokens: 12 };
    expect(textOf(await runtime.complete(laughing))).toBe(' ha'.repeat(12));
    expect(textOf(await runtime.complete({ ...laughing, frequency_penalty: 2 }))).not.toBe(' ha'.repeat(12));
  });

  it('chats without a template in the file', async () => {
    const messages = [
      { role: 'system', content: 'Be short.' },
      { role: 'user', content: [{ type: 'text', text: 'Hello!' }] },
    ];
    const answer = await runtime.post('/v1/chat/completions', { messages, max_tokens: 5, temperature: 0 });
    const chat = ChatCompletion.parse(await answer.json());
    expect(chat.usage.completion_tokens).toBeLessThanOrEqual(5);
    expect(chat.choices[0]?.message.content).not.toContain('<start_of_turn>');
  });

  it('refuses a prompt that is longer than the context', async () => {
    const answer = await runtime.post('/v1/completions', { prompt: 'word '.repeat(1100) });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: { code: 'context_length_exceeded' } });
  });

  it('serves two requests at once, and frees both sequences when the clients go away', async () => {
    const clients = [new AbortController(), new AbortController()];
    const abandoned = clients.map(({ signal }) =>
      runtime.post('/v1/completions', story, signal).catch(() => 'gone'),
    );
    await expect.poll(() => runtime.metric('num_requests_running'), patient).toBe(2);
    const next = runtime.complete(counting);
    await expect.poll(() => runtime.metric('num_requests_waiting'), patient).toBe(1);
    for (const client of clients) client.abort();
    expect(textOf(await next)).toBe(' 5, 6, 7, 8,');
    expect(await Promise.all(abandoned)).toEqual(['gone', 'gone']);
    await expect.poll(() => runtime.metric('num_requests_running'), patient).toBe(0);
    expect(await runtime.metric('requests_abandoned_total{route="/v1/completions"}')).toBe(2);
  });

  it('frees every sequence, whenever clients go away', async () => {
    // With 0 they go away while they wait in line, or before their prompt is computed.
    const reads = [0, 3, 1, 0, 2, 5];
    const ends = await Promise.allSettled(
      reads.map(async (count) => {
        const client = new AbortController();
        const asked = runtime.post('/v1/completions', { ...story, stream: true }, client.signal);
        if (count === 0) client.abort();
        const reader = (await asked).body?.getReader();
        for (let i = 0; i < count; i++) await reader?.read();
        client.abort();
      }),
    );
    expect(ends.map(({ status }) => status === 'rejected')).toEqual(reads.map((count) => count === 0));
    await expect.poll(() => runtime.metric('num_requests_running'), patient).toBe(0);
    expect(await runtime.metric('num_requests_waiting')).toBe(0);
    const both = await Promise.all([runtime.complete(counting), runtime.complete(counting)]);
    expect(both.map(textOf)).toEqual([' 5, 6, 7, 8,', ' 5, 6, 7, 8,']);
  });

  it('finishes what it has after SIGTERM, and ends with 0', async () => {
    const last = runtime.complete({ ...counting, max_tokens: 40 });
    await expect.poll(() => runtime.metric('num_requests_running'), patient).toBe(1);
    runtime.child.kill('SIGTERM');
    expect(textOf(await last)).toMatch(/^ 5, 6, 7, 8,/);
    expect(await runtime.exited).toEqual([0, null]);
  });
});

describe('a runtime whose model does not fit', { timeout: 60_000 }, () => {
  it('ends before it loads, and says what would fit', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'longshore-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const log = join(folder, 'termination-log');
    const { path } = await gemma();
    // 3 KiB for each token of each request: 3 TiB.
    const runtime = await Runtime.start(
      path,
      { LONGSHORE_TERMINATION_LOG: log },
      { contextSize: 16_777_216, parallel: 64 },
    );
    onTestFinished(() => void runtime.child.kill('SIGKILL'));
    expect(await runtime.exited).toEqual([1, null]);
    const { failure } = RuntimeFailure.parse(JSON.parse(await readFile(log, 'utf8')));
    expect(failure.reason).toBe('InsufficientMemory');
    const needs = /needs ([\d.]+) GiB of memory .*largest context that fits: (\d+)/.exec(failure.message);
    expect(Number(needs?.[1])).toBeCloseTo(3072, -2);
    // The model was trained for so many.
    expect(Number(needs?.[2])).toBeLessThanOrEqual(32768);
  });
});

describe('a runtime with API keys', { timeout: 60_000 }, () => {
  it('ends before it loads where there are none', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'longshore-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const log = join(folder, 'termination-log');
    const apiKeys = { path: join(folder, 'keys'), name: 'Secret keys' };
    const runtime = await Runtime.start('/none.gguf', { LONGSHORE_TERMINATION_LOG: log }, { apiKeys });
    onTestFinished(() => void runtime.child.kill('SIGKILL'));
    expect(await runtime.exited).toEqual([1, null]);
    const { failure } = RuntimeFailure.parse(JSON.parse(await readFile(log, 'utf8')));
    expect(failure.reason).toBe('ApiKeysNotFound');
    expect(failure.message).toContain('Secret keys does not exist');
  });

  it('asks for one, also while it loads', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'longshore-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, 'ann'), 'secret');
    const { path } = await gemma();
    const runtime = await Runtime.start(path, {}, { apiKeys: { path: folder, name: 'Secret keys' } });
    onTestFinished(() => void runtime.child.kill('SIGKILL'));
    await expect.poll(() => fetch(`${runtime.url}/healthz`).catch(() => undefined), patient).toBeDefined();
    const statusFor = async (headers: Record<string, string>) =>
      (await fetch(`${runtime.url}/v1/models`, { headers })).status;
    expect(await statusFor({})).toBe(401);
    expect(await statusFor({ authorization: 'Bearer wrong' })).toBe(401);
    expect(await statusFor({ authorization: 'Bearer secret' })).toBe(200);
  });
});

describe('a runtime whose file is no model', { timeout: 60_000 }, () => {
  it.each([
    ['is not there', undefined],
    ['is something else', 'GGUF, one might think'],
  ])('ends with 1 and says so when the file %s', async (_what, content) => {
    const folder = await mkdtemp(join(tmpdir(), 'longshore-'));
    try {
      const path = join(folder, 'model.gguf');
      const log = join(folder, 'termination-log');
      if (content !== undefined) await writeFile(path, content);
      const runtime = await Runtime.start(path, { LONGSHORE_TERMINATION_LOG: log });
      onTestFinished(() => void runtime.child.kill('SIGKILL'));
      expect(await runtime.exited).toEqual([1, null]);
      const { failure } = RuntimeFailure.parse(JSON.parse(await readFile(log, 'utf8')));
      expect(failure.message).toContain(path);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
