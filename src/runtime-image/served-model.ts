import type { Message } from './chat/message.ts';
import type { ModelFile } from './model-file.ts';

/** The model that is loaded, for those who ask what it is. */
export interface ServedModel extends ModelFile {
  /** Of an Ollama model: its layers. */
  template?: string;
  system?: string;
  messages: readonly Message[];
  /** Bytes that weights and context take. */
  usage: { ram: number; vram: number };
}
