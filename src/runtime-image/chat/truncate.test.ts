import { describe, expect, it } from 'vitest';
import type { Message } from './message.ts';
import { truncatedChat } from './truncate.ts';

const chat: Message[] = [
  { role: 'system', content: 'S' },
  { role: 'user', content: 'one' },
  { role: 'assistant', content: '', calls: [{ id: 'c', name: 'f', arguments: '{}' }] },
  { role: 'tool', content: 'result', callId: 'c' },
  { role: 'assistant', content: 'said' },
  { role: 'user', content: 'two' },
  { role: 'assistant', content: 'again' },
  { role: 'user', content: 'three' },
];

const withRoomFor = (count: number) =>
  truncatedChat(chat, (messages) => messages.length <= count)?.map(({ content }) => content);

describe('truncatedChat', () => {
  it('keeps system messages, and as much of the end as fits, from a question on', () => {
    expect(withRoomFor(8)).toHaveLength(8);
    expect(withRoomFor(7)).toEqual(['S', 'two', 'again', 'three']);
    expect(withRoomFor(3)).toEqual(['S', 'three']);
  });

  it('says when not even the last question fits', () => {
    expect(withRoomFor(1)).toBeUndefined();
  });
});
