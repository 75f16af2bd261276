import type { FurtherCondition } from '../step.ts';
import { condense } from '../text.ts';
import { newestPods, saidBy } from './replicas.ts';
import type { ServerView } from './view.ts';

const type = 'ChatTemplateHonored';

/** What the pods of before said counts no more. Told with the write that replaces them, so that the new ones are asked. */
export const chatUnsaid: FurtherCondition = {
  type,
  status: 'Unknown',
  reason: 'Pending',
  message: 'Waits for Loaded: the pods say then how they render chats.',
};

/** Whether chats are rendered with the template that came with the model, once a pod says so; one problem counts. */
export function chatConditions(view: ServerView): FurtherCondition[] {
  const chats = newestPods(view).flatMap((pod) => saidBy(pod, view.loads)?.chat ?? []);
  const chat = chats.find(({ problem }) => problem !== undefined) ?? chats[0];
  if (!chat) return [];
  const { description, problem } = chat;
  if (problem === undefined)
    return [{ type, status: 'True', reason: 'Succeeded', message: condense(description) }];
  const message = condense(`${description} ${problem}`);
  return [{ type, status: 'False', reason: 'TemplateNotSupported', message }];
}
