import type { ChatWrapper, ChatWrapperGeneratedContextState, LlamaText, Tokenizer } from 'node-llama-cpp';
import { isLlamaText } from 'node-llama-cpp';
import type { AnswerShape, CallShape, ThoughtShape } from '../answer/shape.ts';
import { written, writtenUntilEnd } from './written.ts';

type Triggers = NonNullable<ChatWrapperGeneratedContextState['prefixTriggers']>;

export interface ShapeParts {
  wrapper: ChatWrapper;
  state: ChatWrapperGeneratedContextState;
  tokenizer: Tokenizer;
  withTools: boolean;
  /** Whether the prompt ends within a thought. */
  thoughtOpen: boolean;
}

/** What a format of node-llama-cpp says about answers. */
export function answerShapeOf({
  wrapper,
  state,
  tokenizer,
  withTools,
  thoughtOpen,
}: ShapeParts): AnswerShape {
  const { settings } = wrapper;
  const triggers = state.prefixTriggers ?? [];
  const write = (text: string | LlamaText) => written(text, tokenizer);
  const thought = thoughtShape(settings.segments?.thought, thoughtOpen, write);
  const begins = triggers.flatMap((one) =>
    one.type === 'response' || (one.type === 'segment' && one.segmentType === 'comment')
      ? one.triggers.map((trigger) => write(trigger) + write(one.inject ?? ''))
      : [],
  );
  const ends = (state.rerender?.triggers ?? []).map(write);
  return {
    ...(thought && { thought }),
    ...(withTools && { call: callShape(settings, triggers, tokenizer) }),
    ...(begins.length > 0 && { announced: { begins, ends } }),
  };
}

function thoughtShape(
  thought: NonNullable<ChatWrapper['settings']['segments']>['thought'],
  open: boolean,
  write: (text: string | LlamaText) => string,
): ThoughtShape | undefined {
  if (thought?.suffix === undefined) return undefined;
  const { prefix } = thought;
  const end = write(thought.suffix).trim();
  const begin = typeof prefix === 'string' || isLlamaText(prefix) ? write(prefix).trim() : '';
  return end === '' ? undefined : { begin, end, open };
}

function callShape(
  { functions: { call, parallelism } }: ChatWrapper['settings'],
  triggers: Triggers,
  tokenizer: Tokenizer,
): CallShape {
  const write = (text: string | LlamaText) => written(text, tokenizer);
  const announced = triggers.flatMap((one) =>
    one.type === 'functionCall' ? [write(one.inject ?? '') + write(call.prefix)] : [],
  );
  const section = write(parallelism?.call.sectionPrefix ?? '');
  const own = [call.prefix, ...(call.prefixAlternateMatches ?? [])].map(write);
  const begins = [
    ...announced,
    ...(section.trim() === '' ? [] : own.map((begin) => section + begin)),
    ...own,
  ];
  const named = (text: string, name: string) => text.replaceAll('{{functionName}}', name);
  const afterName = write(call.paramsPrefix);
  const end = writtenUntilEnd(call.suffix, tokenizer);
  return {
    begins,
    afterName: (name) => named(afterName, name),
    end: (name) => named(end, name),
    ...(parallelism && { between: writtenUntilEnd(parallelism.call.betweenCalls ?? '', tokenizer) }),
  };
}
