import type { OllamaMessage, OllamaToolCall } from '../../../protocols/ollama/chat.ts';
import type { Message } from '../../chat/message.ts';

/**
 * Messages as the engine takes them, where a result names the call that it answers. In Ollama's API calls may have no
 * ids: a result is that of the first open call of its tool, or of the first open call.
 */
export function messagesOf(messages: readonly OllamaMessage[]): Message[] {
  const open = new Map<string, string>();
  let count = 0;
  const numbered = ({ id, function: { name, arguments: given } }: OllamaToolCall) => {
    const callId = id ?? `call_${count}`;
    count++;
    open.set(callId, name);
    return { id: callId, name, arguments: JSON.stringify(given) };
  };
  return messages.map(({ role, content, thinking, tool_calls: calls, ...result }): Message => {
    if (role === 'tool') {
      const callId = result.tool_call_id ?? openCall(open, result.tool_name);
      if (callId !== undefined) open.delete(callId);
      return { role, content: content ?? '', ...(callId !== undefined && { callId }) };
    }
    return {
      role,
      content: content ?? '',
      ...(thinking && { thought: thinking }),
      ...(calls && calls.length > 0 && { calls: calls.map(numbered) }),
    };
  });
}

function openCall(open: ReadonlyMap<string, string>, tool: string | null | undefined): string | undefined {
  const calls = [...open];
  const own = calls.find(([, name]) => name === tool) ?? calls[0];
  return own?.[0];
}
