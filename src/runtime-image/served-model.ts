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
  adapters: readonly ServedAdapter[];
}

/** An adapter that requests name in place of the model. */
export interface ServedAdapter extends Pick<ModelFile, 'sizeBytes' | 'modifiedAt' | 'digest'> {
  name: string;
  /** Bytes that its context takes; its weights are small beside that. */
  usage: { ram: number; vram: number };
}
