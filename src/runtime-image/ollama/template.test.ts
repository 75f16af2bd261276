import { describe, expect, it } from 'vitest';
import type { Message } from '../chat/message.ts';
import { flatten, Outside } from '../go-template/text.ts';
import { parseOllamaTemplate } from './template.ts';

const now = () => new Date(2026, 0, 1, 12);
const say = (role: Message['role'], content: string): Message => ({ role, content });
const chat = [say('system', 'Be brief.'), say('user', 'Hi'), say('assistant', 'Hello!'), say('user', 'Bye')];

const pieces = (source: string, messages: readonly Message[]) =>
  parseOllamaTemplate(source, now).render(messages);
const written = (source: string, messages: readonly Message[] = chat) =>
  pieces(source, messages).map(flatten).join('');

const chatMl = `{{- range .Messages }}<|im_start|>{{ .Role }}
{{ .Content }}<|im_end|>
{{ end }}<|im_start|>assistant
`;
const llama3 = `{{- if .System }}<|start_header_id|>system<|end_header_id|>

{{ .System }}<|eot_id|>
{{- end }}
{{- range $i, $_ := .Messages }}
{{- $last := eq (len (slice $.Messages $i)) 1 }}
{{- if eq .Role "system" }}{{ continue }}{{ end }}<|start_header_id|>{{ .Role }}<|end_header_id|>

{{ .Content }}
{{- if not (and $last (eq .Role "assistant")) }}<|eot_id|>{{ end }}
{{- if and $last (ne .Role "assistant") }}<|start_header_id|>assistant<|end_header_id|>

{{ end }}
{{- end }}`;
const mistral = `{{ if .System }}[INST] {{ .System }}

{{ .Prompt }}{{ else }}[INST] {{ .Prompt }}{{ end }} [/INST] {{ .Response }}</s>`;
const gemma = `{{ if .Prompt }}<start_of_turn>user
{{ if .System }}{{ .System }} {{ end }}{{ .Prompt }}<end_of_turn>
{{ end }}<start_of_turn>model
{{ .Response }}<end_of_turn>
`;

describe('a template of Ollama with .Messages', () => {
  it('writes every turn, and opens the one of the answer', () => {
    expect(written(chatMl)).toBe(
      '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n' +
        '<|im_start|>assistant\nHello!<|im_end|>\n<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n',
    );
    expect(written(llama3)).toBe(
      '<|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>' +
        '<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>' +
        '<|start_header_id|>assistant<|end_header_id|>\n\nHello!<|eot_id|>' +
        '<|start_header_id|>user<|end_header_id|>\n\nBye<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n',
    );
  });

  it('gets messages of one role in a row as one, and all that the system says', () => {
    const messages = [
      say('user', 'A'),
      say('user', 'B'),
      say('system', 'S'),
      say('user', 'C'),
      say('system', 'T'),
    ];
    expect(written('{{ .System }};{{ range .Messages }}{{ .Role }}={{ .Content }};{{ end }}', messages)).toBe(
      'S\n\nT;user=A\n\nB;system=S;user=C;system=T;',
    );
  });

  it.each([
    [chatMl, '<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHel'],
    [
      llama3,
      '<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nHel',
    ],
  ])('goes on with an answer that has begun', (source, expected) => {
    expect(written(source, [say('user', 'Hi'), say('assistant', 'Hel')])).toBe(expected);
    expect(written(source, [say('user', 'Hi'), say('assistant', '')])).toBe(
      written(source, [say('user', 'Hi')]),
    );
  });

  it('gets what no request asks for as nothing', () => {
    const source =
      '{{ range .Messages }}{{ .Thinking }}{{ range .ToolCalls }}{{ . }}{{ end }}{{ len .Images }}{{ end }}' +
      '{{ if or .Tools .Think .IsThinkSet .Suffix .ThinkLevel }}no{{ end }}{{ .Response }}';
    expect(written(source, [say('user', 'Hi')])).toBe('0');
  });

  it('keeps what was said apart from what the template says, also where it is inspected', () => {
    const source =
      '{{ range .Messages }}{{ if eq (slice .Content 0 1) "H" }}{{ printf "<%s>" .Content }}{{ end }}{{ end }}';
    expect(pieces(source, [say('user', 'Hi')])).toEqual(['<', new Outside('Hi'), '>']);
  });
});

describe('a template of Ollama without .Messages', () => {
  it('is evaluated for every round, the last time up to the response', () => {
    expect(written(mistral)).toBe('[INST] Be brief.\n\nHi [/INST] Hello!</s>[INST] Bye [/INST] ');
    expect(written(gemma)).toBe(
      '<start_of_turn>user\nBe brief. Hi<end_of_turn>\n<start_of_turn>model\nHello!<end_of_turn>\n' +
        '<start_of_turn>user\nBye<end_of_turn>\n<start_of_turn>model\n',
    );
  });

  it('goes on with an answer that has begun', () => {
    expect(written(gemma, [say('user', 'Hi'), say('assistant', 'Hel')])).toBe(
      '<start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\nHel',
    );
  });

  it('writes the response at its end where it does not mention one', () => {
    expect(written('Q: {{ .Prompt }}\nA: ', chat.slice(1))).toBe('Q: Hi\nA: Hello!Q: Bye\nA: ');
  });

  it('is cut inside of a condition that writes the response', () => {
    const source = '{{ .Prompt }}{{ if true }}:{{ .Response }}!{{ else }}?{{ end }}.';
    expect(written(source, chat.slice(1))).toBe('Hi:Hello!!.Bye:');
  });

  it('begins a new round where the system speaks again', () => {
    const messages = [say('system', 'S'), say('user', 'A'), say('system', 'T'), say('user', 'B')];
    expect(written('[{{ .System }}|{{ .Prompt }}|{{ .Response }}]', messages)).toBe('[S|A|][T|B|');
  });
});

describe('what Ollama adds to Go', () => {
  it.each([
    ['{{ currentDate }} {{ currentDate "2006" }} {{ yesterdayDate }}', '2026-01-01 2026-01-01 2025-12-31'],
    ['{{ range .Messages }}{{ json .Content }}{{ end }}', '"\\u003cb\\u003e \\u0026 \\"é\\""'],
    [
      '{{ range .Messages }}{{ toTypeScriptType .Role }} {{ json .Images }} {{ json 1 }}{{ end }}',
      'any [] 1',
    ],
  ])('%s', (source, expected) => {
    const dated = `{{ if .Messages }}${source}{{ end }}`;
    expect(written(dated, [say('user', '<b> & "é"')])).toBe(expected);
  });

  it.each([
    ['{{ .Prompt }}', true],
    ['{{- .Prompt -}}\n', true],
    ['{{ .Prompt }}{{ .Response }}', false],
    ['Q: {{ .Prompt }}', false],
    ['{{ .System }}', false],
    ['{{ if .Prompt }}{{ .Prompt }}{{ end }}', false],
  ])('tells whether %j is the prompt only', (source, expected) => {
    expect(parseOllamaTemplate(source, now).isPromptOnly).toBe(expected);
  });
});
