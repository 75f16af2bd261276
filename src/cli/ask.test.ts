import { describe, expect, it } from 'vitest';
import { ask, type Piece } from './ask.ts';

const delta = (fields: object): string => `data: ${JSON.stringify({ choices: [{ delta: fields }] })}\n\n`;
const answer = (...events: string[]) => new Response([...events, 'data: [DONE]\n\n'].join(''));
const refusal = (status: number, message: string, headers: Record<string, string> = {}) =>
  Response.json({ error: { message } }, { status, headers });

/** Asks a server that answers so, one after the other; `sent` are the requests. */
async function asked(...answers: Response[]): Promise<{ pieces: Piece[]; sent: Request[] }> {
  const sent: Request[] = [];
  const way = {
    url: 'http://gateway',
    model: 'ns/chat',
    apiKey: 'key',
    send: async (url: string, init: RequestInit) => {
      sent.push(new Request(url, init));
      return answers.shift() ?? refusal(500, 'asked too often');
    },
  };
  const signal = new AbortController().signal;
  const messages = [{ role: 'user' as const, content: 'Well?' }];
  const pieces = await Array.fromAsync(ask({ way, server: 'chat', messages, maxTokens: 8, signal }));
  return { pieces, sent };
}

describe('a question', () => {
  it('goes to the server with its key, and its answer comes in pieces, thoughts apart', async () => {
    const { pieces, sent } = await asked(
      answer(delta({ reasoning_content: 'Hm.' }), delta({ content: 'Ye' }), delta({ content: 's.' })),
    );
    expect(pieces).toEqual([{ thought: 'Hm.' }, { text: 'Ye' }, { text: 's.' }]);
    expect(sent[0]?.headers.get('authorization')).toBe('Bearer key');
    expect(await sent[0]?.json()).toMatchObject({ model: 'ns/chat', stream: true, max_completion_tokens: 8 });
  });

  it('is asked again where that will soon be worth it, and not for ever', async () => {
    const soon = () => refusal(503, 'not ready yet', { 'retry-after': '0' });
    expect((await asked(soon(), soon(), answer(delta({ content: 'Yes.' })))).sent).toHaveLength(3);
    await expect(asked(soon(), soon(), soon(), soon(), answer())).rejects.toThrow(/HTTP 503.*not ready yet/);
  });

  it.for([
    [refusal(503, 'it stalls'), /HTTP 503\): it stalls/],
    [refusal(503, 'much to do', { 'retry-after': '60' }), /much to do/],
    [refusal(401, 'no key'), /HTTP 401\): no key/],
    [answer('data: {"error":{"message":"out of memory"}}\n\n'), /broke off: out of memory/],
  ] as const)('that is refused says why, at once', async ([response, message]) => {
    await expect(asked(response, answer())).rejects.toThrow(message);
  });
});
