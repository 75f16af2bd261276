import { describe, expect, it } from 'vitest';
import { GoTemplateError } from './error.ts';
import { evaluateTemplate } from './evaluate.ts';
import { builtins } from './functions.ts';
import { parseTemplate } from './parse.ts';
import { flatten, Outside } from './text.ts';
import type { GoValue } from './values.ts';
import { GoStruct } from './values.ts';
import { limits } from './work.ts';

const data: GoValue = new Map<string, GoValue>([
  ['Name', new Outside('Ann')],
  ['Empty', ''],
  ['Yes', true],
  ['Three', 3n],
  ['Half', 0.5],
  ['List', ['a', 2n, undefined]],
  ['None', []],
  [
    'Map',
    new Map<string, GoValue>([
      ['b', 1n],
      ['a', new Map([['c', 'deep']])],
    ]),
  ],
  ['Message', new GoStruct({ Role: 'user', Content: new Outside('Grüße') })],
]);

const names = new Set(builtins.keys());
const pieces = (source: string) => evaluateTemplate(parseTemplate(source, names), data, builtins);
const written = (source: string) => pieces(source).map(flatten).join('');

describe('a Go template', () => {
  it.each([
    ['text', 'as it }} stands', 'as it }} stands'],
    ['a field', '{{ .Name }}', 'Ann'],
    ['a field of a field', '{{ .Map.a.c }}|{{ .Message.Role }}|{{ (.Map).a.c }}', 'deep|user|deep'],
    ['nothing', '{{ .Missing }}|{{ (.Missing).More }}', '<no value>|<no value>'],
    ['space that is trimmed', 'a \n\t{{- .Three -}} \n b {{ .Three }} c', 'a3b 3 c'],
    ['a minus that trims nothing', '{{ -1 }} {{-1}}', '-1 -1'],
    ['comments', 'a{{/* c }} */}}b {{- /* c */ -}} c', 'abc'],
    ['strings', '{{ "a\\n\\"b\\u00e9\\x41\\303\\251" }}{{ `c\\n` }}{{ "}}" }}', 'a\n"béAéc\\n}}'],
    ['numbers', "{{ 0x10 }} {{ 1_000 }} {{ -010 }} {{ 'a' }} {{ 1.50 }} {{ 2e1 }}", '16 1000 -8 97 1.5 20'],
    ['bools', '{{ true }} {{ not true }}', 'true false'],
    ['if', '{{ if .Empty }}a{{ else if .None }}b{{ else if .Yes }}c{{ else }}d{{ end }}', 'c'],
    [
      'if of zeros',
      '{{ if 0 }}a{{ end }}{{ if 0.0 }}b{{ end }}{{ if .Missing }}c{{ end }}{{ if .Message }}d{{ end }}',
      'd',
    ],
    [
      'with',
      '{{ with .Message }}{{ .Role }}{{ $.Three }}{{ end }}{{ with .Empty }}{{ else }}{{ .Three }}{{ end }}',
      'user33',
    ],
    ['with and else with', '{{ with .Empty }}a{{ else with .Map }}{{ .b }}{{ end }}', '1'],
    [
      'range',
      '{{ range .List }}[{{ . }}]{{ end }}{{ range .None }}a{{ else }}none{{ end }}',
      '[a][2][<no value>]none',
    ],
    ['range with its index', '{{ range $i, $x := .List }}{{ $i }}{{ $x }},{{ end }}', '0a,12,2<no value>,'],
    ['range over a map, sorted', '{{ range $k, $v := .Map }}{{ $k }},{{ end }}', 'a,b,'],
    [
      'range over an int',
      '{{ range $i := .Three }}{{ $i }}{{ end }}{{ range -1 }}{{ else }}e{{ end }}',
      '012e',
    ],
    [
      'break and continue',
      '{{ range .List }}{{ if eq (print .) "a" }}{{ continue }}{{ end }}{{ . }}{{ break }}{{ end }}',
      '2',
    ],
    ['variables', '{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ $x := 3 }}{{ $x }}{{ end }}{{ $x }}', '32'],
    [
      'and, or: the value that decides',
      '{{ and 1 0 2 }} {{ or .Empty "b" }} {{ and .Yes "c" }} {{ or 0 "" }}{{ 1 | and true }}|',
      '0 b c 1|',
    ],
    ['and that evaluates no further', '{{ and false (index .List 9) }}{{ or 1 (len 3) }}', 'false1'],
    [
      'eq',
      '{{ eq .Three 3 }}{{ eq .Name "Bob" "Ann" }}{{ eq .Missing nil }}{{ ne "a" "b" }}',
      'truetruetruetrue',
    ],
    [
      'order',
      '{{ lt 1 2 }}{{ le 2 2 }}{{ gt "b" "a" }}{{ ge 1.5 2.5 }}{{ lt "\\uFFFF" "😀" }}',
      'truetruetruefalsetrue',
    ],
    ['len, in bytes', '{{ len .Message.Content }}{{ len .List }}{{ len .Map }}', '732'],
    [
      'index',
      '{{ index .List 1 }}{{ index .Map "a" "c" }}{{ index "a" 0 }}{{ index .Map "z" }}',
      '2deep97<no value>',
    ],
    ['slice', '{{ slice .List 1 2 }}{{ slice .Name 1 }}{{ len (slice .List 1) }}', '[2]nn2'],
    ['pipelines', '{{ .Name | printf "%s-%s" "a" | len }}{{ (1 | eq 1) | not }}', '5false'],
    [
      'printf',
      '{{ printf "%s|%v|%d|%q|%t|%%|%4s|%-4v|" .Name .List 3 "a\\"b" true "x" 7 }}',
      'Ann|[a 2 <nil>]|3|"a\\"b"|true|%|   x|7   |',
    ],
    ['print', '{{ print 1 2 "a" 3 4 nil }}|{{ println 1 "a" }}', '1 2a3 4 <nil>|1 a\n'],
    ['floats as Go writes them', '{{ .Half }} {{ 1e21 }} {{ 0.00001 }} {{ 1e-7 }}', '0.5 1e+21 1e-05 1e-07'],
    [
      'define and template',
      '{{ define "t" }}<{{ . }}{{ $ }}>{{ end }}{{ template "t" .Three }}{{ template "t" }}',
      '<33><<no value><no value>>',
    ],
    ['block', '{{ block "b" .Name }}({{ . }}){{ end }}{{ template "b" 1 }}', '(Ann)(1)'],
  ])('writes %s', (_what, source, expected) => {
    expect(written(source)).toBe(expected);
  });

  it.each([
    ['{{ .Name ', 'line 1, column 1: unclosed action'],
    ['a\n  {{ nope }}', 'line 2, column 6: the function nope is not supported'],
    ['{{ html .Name }}', 'the function html is not supported'],
    ['{{ $x }}', 'undefined variable $x'],
    ['{{ if true }}{{ $x := 1 }}{{ end }}{{ $x }}', 'undefined variable $x'],
    ['{{ $x = 1 }}', 'undefined variable $x'],
    ['{{ $x := 1 }}{{ define "t" }}{{ $x }}{{ end }}', 'undefined variable $x'],
    ['{{ if true }}', 'an end is missing'],
    ['{{ end }}', 'unexpected end'],
    ['{{ if true }}{{ else }}{{ else }}{{ end }}', 'expected end, found else'],
    ['{{ break }}', 'break outside of a range'],
    ['{{ "open }}', 'unclosed string'],
    ['{{ "\\y" }}', 'unknown escape \\y'],
    ['{{ .Name.Length }}', 'there is no field Length in string'],
    ['{{ .Message.Name }}', 'there is no field Name in struct'],
    ['{{ .Missing.More }}', 'nothing has no field More'],
    ['{{ eq 1 "1" }}', 'int is not compared with string'],
    ['{{ lt .List 1 }}', 'list has no order with int'],
    ['{{ index .List 3 }}', 'the index 3 is out of range'],
    ['{{ slice .List 2 1 }}', 'there is no slice from 2 to 1'],
    ['{{ len 3 }}', 'int has no len'],
    ['{{ range .Name }}{{ end }}', 'there is no range over string'],
    ['{{ .Message }}', 'a struct cannot be written'],
    ['{{ printf "%x" 1 }}', 'printf does not support %x'],
    ['{{ template "t" . }}', 'there is no template "t"'],
    ['{{ 1 "a" }}', 'only a function takes arguments'],
    ['{{ 99999999999999999999 }}', 'overflows int'],
    ['{{ (1 }}', 'unexpected }} in parentheses'],
    ['{{ .Name | .Name }}', 'part 2 of a pipeline has to be a function'],
    ['{{ define "t" }}a{{ end }}{{ define "t" }}b{{ end }}', 'is defined twice'],
  ])('%s fails and says where', (source, message) => {
    const fail = () => written(source);
    expect(fail).toThrow(GoTemplateError);
    expect(fail).toThrow(message);
    expect(fail).toThrow(/^line \d+, column \d+: /);
  });

  it.each([
    ['loops', '{{ range 100000 }}{{ range 100000 }}{{ end }}{{ end }}', `more than ${limits.steps} steps`],
    ['calls itself', '{{ define "t" }}{{ template "t" }}{{ end }}{{ template "t" }}', 'use each other'],
    ['doubles a string', `{{ $x := "aa" }}{{ range 64 }}{{ $x = print $x $x }}{{ end }}`, 'characters'],
    ['doubles one from outside', `{{ $x := .Name }}{{ range 64 }}{{ $x = print $x $x }}{{ end }}`, 'steps'],
    [
      'writes much',
      `{{ $x := "" }}{{ range 1000 }}{{ $x = printf "%s%1000s" $x "" }}{{ end }}{{ range 99 }}{{ $x }}{{ end }}`,
      'characters',
    ],
    ['is deep', '{{ if true }}'.repeat(300) + '{{ end }}'.repeat(300), '200 levels inside each other'],
    ['has deep parentheses', `{{ ${'('.repeat(300)}1${')'.repeat(300)} }}`, '200 levels inside each other'],
  ])('ends when it %s', (_what, source, message) => {
    expect(() => written(source)).toThrow(message);
  });

  it('reads long runs of space in linear time', () => {
    const space = ' '.repeat(500_000);
    expect(written(`a${space}b{{ 1 }}${space}{{- /* c */ -}}${space}{{ 2 }}`)).toBe(`a${space}b12`);
  });

  it('tells text from outside from its own, also where both are in one string', () => {
    const source =
      'Dear {{ $x := printf "<%s>%s" .Name "!" }}{{ $x }}{{ slice .Name 1 }}{{ printf "%q" .Name }}';
    expect(pieces(source)).toEqual([
      'Dear ',
      '<',
      new Outside('Ann'),
      '>',
      '!',
      new Outside('nn'),
      new Outside('"Ann"'),
    ]);
  });
});
