import type { GoString } from '../go-template/text.ts';
import { concatenate, Outside } from '../go-template/text.ts';
import type { Message } from '../chat/message.ts';

/** Messages of one role in a row, as one: between their contents is an empty line. */
export interface Turn {
  readonly role: Message['role'];
  readonly content: GoString;
}

/** @returns what all system messages say, and the turns, in which they are, too */
export function collate(messages: readonly Message[]): { system: GoString; turns: Turn[] } {
  const turns: Turn[] = [];
  const system: GoString[] = [];
  for (const { role, content } of messages) {
    const outside = content === '' ? '' : new Outside(content);
    if (role === 'system') system.push(...(system.length > 0 ? ['\n\n', outside] : [outside]));
    const last = turns.at(-1);
    if (last?.role === role) {
      turns.splice(-1, 1, { role, content: concatenate([last.content, '\n\n', outside]) });
    } else {
      turns.push({ role, content: outside });
    }
  }
  return { system: concatenate(system), turns };
}
