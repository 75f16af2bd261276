import { describe, expect, it } from 'vitest';
import { historyOf } from './history.ts';

const calls = [
  { id: 'c1', name: 'weather', arguments: '{"city":"Oslo"}' },
  { id: 'c2', name: 'time', arguments: 'broken {' },
];

describe('historyOf', () => {
  it('puts results with their calls, and what is said to them behind', () => {
    const history = historyOf([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Weather?' },
      { role: 'assistant', content: 'Let me see.', thought: 'Hm.', calls },
      { role: 'tool', content: 'late', callId: 'c2' },
      { role: 'tool', content: '{"sky":"blue"}', callId: 'c1' },
      { role: 'assistant', content: 'Blue.' },
    ]);
    const call = { type: 'functionCall' };
    expect(history).toEqual([
      { type: 'system', text: 'Be brief.' },
      { type: 'user', text: 'Weather?' },
      {
        type: 'model',
        response: [
          { type: 'segment', segmentType: 'thought', text: 'Hm.', ended: true },
          'Let me see.',
          {
            ...call,
            name: 'weather',
            params: { city: 'Oslo' },
            result: { sky: 'blue' },
            startsNewChunk: true,
          },
          { ...call, name: 'time', params: 'broken {', result: 'late', startsNewChunk: false },
          'Blue.',
        ],
      },
    ]);
  });

  it('goes on where the results stand when nothing was said to them yet', () => {
    const history = historyOf([
      { role: 'user', content: 'Weather?' },
      { role: 'assistant', content: '', calls },
      { role: 'tool', content: 'x', callId: 'c1' },
    ]);
    expect(history).toHaveLength(2);
  });

  it('shows a result whose call is not there', () => {
    expect(historyOf([{ role: 'tool', content: '5', callId: 'gone' }])).toEqual([
      { type: 'user', text: '5' },
    ]);
  });
});
