import type { LlamaModel } from 'node-llama-cpp';
import { resolveChatWrapper } from 'node-llama-cpp';
import type { ChatFormat, ChatModel } from './format.ts';
import { renderWithWrapper } from './wrapper-format.ts';

/** How a model file says that it chats: by its own template, or by name and architecture where it carries none. */
export function ownFormat(model: LlamaModel): ChatFormat {
  const wrapper = resolveChatWrapper(model, { warningLogs: false });
  return {
    description: describe(wrapper.wrapperName, model),
    render: (messages, tools) => renderWithWrapper(wrapper, model.tokenizer, messages, tools),
  };
}

/** Whether the file carries a template that says more than nothing. */
export const hasOwnTemplate = ({ fileInfo }: ChatModel) =>
  (fileInfo.metadata.tokenizer.chat_template ?? '').trim() !== '';

function describe(name: string, model: ChatModel): string {
  if (!hasOwnTemplate(model)) {
    const { architecture } = model.fileInfo.metadata.general;
    return `Chats are rendered in the ${name} format, which was chosen by name and architecture (${architecture}): the model file carries no chat template.`;
  }
  if (name === 'JinjaTemplate') return 'Chats are rendered with the chat template in the model file.';
  return `Chats are rendered in the ${name} format, to which the chat template in the model file was matched.`;
}
