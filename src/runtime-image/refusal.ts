/** Why the engine does not do what it was asked to. Each says so to the client, in a sentence with the next step in it. */
export abstract class EngineRefusal extends Error {}

/** The prompt leaves no room for an answer. */
export class PromptTooLong extends EngineRefusal {
  override readonly name = 'PromptTooLong';
  constructor(promptTokens: number, contextSize: number) {
    super(
      `This model's maximum context length is ${contextSize} tokens. However, the prompt has ${promptTokens} tokens, ` +
        'which leaves no room for an answer. Shorten it, or serve the model with a larger context size.',
    );
  }
}

/** More requests wait than are let in. */
export class QueueFull extends EngineRefusal {
  override readonly name = 'QueueFull';
  constructor(waiting: number) {
    super(`${waiting} requests are waiting for a free sequence. Try again later, or add replicas.`);
  }
}

/** The model's chat template cannot render these messages. */
export class ChatTemplateRefused extends EngineRefusal {
  override readonly name = 'ChatTemplateRefused';
  constructor(cause: unknown) {
    super(
      `The chat template of the model refused these messages: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

/** A schema that an answer or a call cannot be held to. */
export class SchemaRefused extends EngineRefusal {
  override readonly name = 'SchemaRefused';
  /** @param path where in the schema, as a JSON pointer */
  constructor(path: string, problem: string) {
    super(`The JSON schema cannot be followed${path === '' ? '' : ` at ${path}`}: ${problem}.`);
  }
}

/** This model, or this combination, cannot do it. */
export class NotSupported extends EngineRefusal {
  override readonly name = 'NotSupported';
}

/** There is no memory left for what the request needs beside the model. */
export class OutOfMemory extends EngineRefusal {
  override readonly name = 'OutOfMemory';
}
