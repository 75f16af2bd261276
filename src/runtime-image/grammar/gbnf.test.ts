import { describe, expect, it } from 'vitest';
import { grammarOf, literal, rulesOfCalls, rulesOfJson } from './gbnf.ts';

describe('literal', () => {
  it('is read as what it stands for', () => {
    expect(literal('say "\\"\n')).toBe(String.raw`"say \"\\\"\u000A"`);
    expect(literal('é🦙<｜')).toBe(String.raw`"\u00E9\U0001F999<\uFF5C"`);
  });
});

describe('rulesOfJson', () => {
  it('renames rules and leaves strings and sets of characters alone', () => {
    const grammar = [
      String.raw`root ::= "{" rule0 [a-z"\]] "\"root\"" "\n\n\n\n" [\n]*`,
      'rule0 ::= whitespace-b-1-4-0 root?',
    ].join('\n');
    expect(rulesOfJson(grammar, 'x')).toEqual({
      name: 'x-root',
      lines: [
        String.raw`x-root ::= "{" x-rule0 [a-z"\]] "\"root\""`,
        'x-rule0 ::= x-whitespace-b-1-4-0 x-root?',
      ],
    });
  });
});

describe('rulesOfCalls', () => {
  const parameters = { name: 'p', lines: ['p ::= "{}"'] };
  const functions = [
    { name: 'a', afterName: '>', end: '<', parameters },
    { name: 'b', afterName: '>', end: '', parameters },
  ];

  it('is one call of one of the functions', () => {
    expect(rulesOfCalls({ begin: '=', functions }).lines.slice(0, 2)).toEqual([
      'calls ::= call',
      'call ::= "=" ("a>" p "<" | "b>" p)',
    ]);
  });

  it('is several, with what stands between them', () => {
    expect(rulesOfCalls({ begin: '=', between: ',', functions }).lines[0]).toBe(
      'calls ::= call ("," call){0,15}',
    );
    expect(rulesOfCalls({ begin: '=', between: '', functions }).lines[0]).toBe('calls ::= call (call){0,15}');
  });

  it('is an alternative to something else', () => {
    const json = { name: 'json-root', lines: ['json-root ::= "{}"'] };
    expect(
      grammarOf([json, rulesOfCalls({ begin: '=', functions })])
        .split('\n')
        .slice(0, 2),
    ).toEqual(['root ::= json-root | calls', 'json-root ::= "{}"']);
  });
});
