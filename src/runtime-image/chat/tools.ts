/** A function that a model may call. */
export interface Tool {
  readonly name: string;
  readonly description?: string;
  /** A JSON Schema of the object that it takes; absent: it takes nothing. */
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** Whether a schema that cannot be held to the letter is refused. */
  readonly strict?: boolean;
}

/** `required`: at least one call, and no text. */
export type ToolChoice = 'none' | 'auto' | 'required' | { readonly name: string };

/** The tools that a forced choice may call; undefined where a call is not forced. */
export function forcedTools(tools: readonly Tool[], choice: ToolChoice): readonly Tool[] | undefined {
  if (choice === 'required') return tools;
  return typeof choice === 'object' ? tools.filter(({ name }) => name === choice.name) : undefined;
}
