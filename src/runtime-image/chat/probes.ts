import type { Message } from './message.ts';

const said = (role: Message['role'], content: string): Message => ({ role, content });

const system = said('system', 'Answer {briefly} & <kindly>.');
const question = said('user', 'What is 1+1? "Think", it\'s\neasy*');
const answer = said('assistant', '2 ~ `two`');
const followUp = said('user', 'And [2+2]/(1)\n\ntoo');

/** Chats of every shape that formats commonly differ in. */
export const probes: readonly (readonly Message[])[] = [
  [question],
  [system, question],
  [question, answer, followUp],
  [system, question, answer, followUp],
  [system, question, answer, followUp, said('assistant', 'It is'), question],
  [question, said('assistant', 'It is')],
];

/** A chat in whose rendering the text between the answer and the next question shows what ends an answer. */
export const endOfAnswer = { chat: [question, answer, followUp], answer } as const;
