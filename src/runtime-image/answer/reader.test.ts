import { assert, constantFrom, integer, array, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Part } from './part.ts';
import { AnswerReader } from './reader.ts';
import type { AnswerShape } from './shape.ts';

/** As Qwen writes: calls are JSON. */
const json: AnswerShape = {
  thought: { begin: '<think>', end: '</think>', open: false },
  call: {
    begins: ['<tool_call>\n{"name": "'],
    afterName: () => '", "arguments": ',
    end: () => '}\n</tool_call>',
    between: '\n',
  },
};

/** As Llama writes: calls have a form of their own. */
const tagged: AnswerShape = {
  call: { begins: ['<function='], afterName: () => '>', end: () => '</function>' },
};

/** As gpt-oss writes: everything is announced. */
const announced: AnswerShape = {
  thought: { begin: '<|channel|>analysis<|message|>', end: '<|end|>', open: false },
  call: {
    begins: ['<|channel|>commentary to=functions.'],
    afterName: () => '<|constrain|>json<|message|>',
    end: () => '',
  },
  announced: { begins: ['<|channel|>final<|message|>'], ends: ['<|end|>'] },
};

interface Options {
  stops?: string[];
  parallel?: boolean;
}

function read(shape: AnswerShape, pieces: string[], { stops = [], parallel = true }: Options = {}) {
  const reader = new AnswerReader(shape, stops, parallel);
  const parts = [...pieces.flatMap((piece) => reader.push(piece)), ...reader.rest()];
  return { parts: joined(parts), stopped: reader.stopped };
}

/** Pieces of one kind in a row, as one. */
function joined(parts: readonly Part[]): string[] {
  const found: { kind: string; text: string }[] = [];
  for (const part of parts) {
    const kind = part.type === 'arguments' ? `call ${part.index}` : part.type;
    const last = found.at(-1);
    if (part.type === 'call') found.push({ kind: `call ${part.index}`, text: part.name });
    else if (last?.kind === kind) last.text += part.text;
    else found.push({ kind, text: part.text });
  }
  return found.map(({ kind, text }) => `${kind}: ${text}`);
}

const asked = '<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo {}\\" }"}}\n</tool_call>';
const askedTersely = '<tool_call>{"name":"weather","arguments":{"city":"Rome"}}</tool_call>';

describe('AnswerReader', () => {
  it('hands out plain text as it comes', () => {
    const reader = new AnswerReader({}, []);
    expect(reader.push(' a <think> b')).toEqual([{ type: 'text', text: ' a <think> b' }]);
  });

  it('tells what is thought from what is said, without the blanks between', () => {
    expect(read(json, ['<think>\nHm', 'm.\n</think>\n\nHello <b>']).parts).toEqual([
      'thought: Hmm.',
      'text: Hello <b>',
    ]);
  });

  it('knows that a thought was begun by the prompt', () => {
    const open = { thought: { begin: '', end: '</think>', open: true } };
    expect(read(open, ['Hmm.', '</thi', 'nk>Hello']).parts).toEqual(['thought: Hmm.', 'text: Hello']);
    expect(read(open, ['Hmm, and so on ']).parts).toEqual(['thought: Hmm, and so on']);
    expect(read(open, ['\n', ' </']).parts).toEqual(['thought: </']);
  });

  it('reads a call, and what is said before it', () => {
    const { parts, stopped } = read(json, [`Let me see.${asked}`]);
    expect(parts).toEqual(['text: Let me see.', 'call 0: weather{"city": "Oslo {}\\" }"}']);
    expect(stopped).toBe(false);
  });

  it('reads several calls, and ends where something else follows', () => {
    const { parts, stopped } = read(json, [`${asked}\n${askedTersely}\nAnd the result is`]);
    expect(parts).toEqual(['call 0: weather{"city": "Oslo {}\\" }"}', 'call 1: weather{"city":"Rome"}']);
    expect(stopped).toBe(true);
  });

  it('ends behind one call where no more are wanted', () => {
    expect(read(json, [`${asked}\n${askedTersely}`], { parallel: false })).toEqual({
      parts: ['call 0: weather{"city": "Oslo {}\\" }"}'],
      stopped: true,
    });
  });

  it('reads calls of another form, also without arguments', () => {
    expect(read(tagged, ['<function=now></function>']).parts).toEqual(['call 0: now{}']);
    expect(read(tagged, ['<function=add>{"a": 1}</function>']).parts).toEqual(['call 0: add{"a": 1}']);
  });

  it('hands out the arguments as they come', () => {
    const reader = new AnswerReader(tagged, []);
    reader.push('<function=add>');
    expect(reader.push('{"a"')).toEqual([
      { type: 'call', index: 0, name: 'add' },
      { type: 'arguments', index: 0, text: '{"a"' },
    ]);
    expect(reader.push(': 1}</fun')).toEqual([{ type: 'arguments', index: 0, text: ': 1}' }]);
  });

  it('shows what only looked like a call', () => {
    expect(read(tagged, ['<function= is no call']).parts).toEqual(['text: <function= is no call']);
    expect(read(json, ['<tool_call> {"name": "x"}']).parts).toEqual(['text: <tool_call>\n{"name": "x"}']);
  });

  it('shows only what was announced', () => {
    const answer =
      '<|channel|>analysis<|message|>Hmm.<|end|><|start|>assistant<|channel|>final<|message|>Hello<|end|>rest';
    expect(read(announced, [answer]).parts).toEqual(['thought: Hmm.', 'text: Hello']);
    const calling =
      '<|channel|>analysis<|message|>Hmm.<|end|><|start|>assistant<|channel|>commentary to=functions.now <|constrain|>json<|message|>{}';
    expect(read(announced, [calling]).parts).toEqual(['thought: Hmm.', 'call 0: now{}']);
  });

  it('looks for stop strings in what is said, and not in thoughts or calls', () => {
    expect(read(json, ['<think>a END b</think>c END d'], { stops: ['END'] })).toEqual({
      parts: ['thought: a END b', 'text: c '],
      stopped: true,
    });
    expect(read(json, [asked], { stops: ['city'] }).parts).toHaveLength(1);
  });

  it('reads the same however the answer is cut', () => {
    const answers = [
      [json, `<think>\nHm.\n\n</think>\n\nLet me <see>.\n${asked}\n${askedTersely}`],
      [json, 'A <tool_call>\n{"name": "that is none" and </think> more'],
      [
        announced,
        '<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>b STOP c',
      ],
      [tagged, 'x <function=a.b>\n{"a": [1, "}"]} </function> <function=c>{}</function>'],
    ] as const;
    assert(
      property(constantFrom(...answers), array(integer({ min: 1, max: 9 })), ([shape, answer], lengths) => {
        const pieces: string[] = [];
        let at = 0;
        for (const length of [...lengths, answer.length]) {
          pieces.push(answer.slice(at, at + length));
          at += length;
        }
        const whole = read(shape, [answer], { stops: ['STOP'] });
        expect(read(shape, pieces, { stops: ['STOP'] })).toEqual(whole);
      }),
      { numRuns: 500 },
    );
  });
});
