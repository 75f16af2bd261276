import { describe, expect, it } from 'vitest';
import { ErrorBody } from '../../protocols/openai/error.ts';
import { ollamaServer } from '../testing/ollama-server.ts';

describe('a completion with a suffix', () => {
  const asked = { prompt: 'def add(', suffix: 'return sum' };

  it('is what stands between the two, of a model that can do that', async () => {
    const server = ollamaServer({ abilities: { infill: true } });
    expect((await server.post('/v1/completions', asked)).statusCode).toBe(200);
    expect(server.asked[0]?.prompt).toEqual({ kind: 'text', text: 'def add(', suffix: 'return sum' });
  });

  it('is refused by any other', async () => {
    const answer = await ollamaServer().post('/v1/completions', asked);
    expect(answer.statusCode).toBe(400);
    const { message, param, code } = ErrorBody.parse(answer.json()).error;
    expect([param, code]).toEqual(['suffix', 'unsupported']);
    expect(message).toContain("'gemma' has no tokens for text between two others");
  });

  it('is one without it where the suffix is empty', async () => {
    const server = ollamaServer();
    await server.post('/v1/completions', { ...asked, suffix: '' });
    expect(server.asked[0]?.prompt).toEqual({ kind: 'text', text: 'def add(' });
  });

  it('takes token ids before it, too', async () => {
    const server = ollamaServer({ abilities: { infill: true } });
    await server.post('/v1/completions', { ...asked, prompt: [1, 2] });
    expect(server.asked[0]?.prompt).toEqual({ kind: 'text', text: [1, 2], suffix: 'return sum' });
  });
});
