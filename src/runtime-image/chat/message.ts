/** A message of a chat as formats render it. */
export interface Message {
  readonly role: 'system' | 'user' | 'assistant' | 'tool';
  readonly content: string;
  /** Of the assistant: what it thought before it said that. */
  readonly thought?: string;
  /** Of the assistant: what it called after it said that. */
  readonly calls?: readonly ToolCall[];
  /** Of a tool: the call that it answers. */
  readonly callId?: string;
}

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** JSON as text, as the model wrote it. */
  readonly arguments: string;
}
