/** The file is not GGUF, or its header is cut off or makes no sense. */
export class NotGgufError extends Error {
  override readonly name = 'NotGgufError';
}

/** The file ends before the weights that its header lists. */
export class TruncatedGgufError extends Error {
  override readonly name = 'TruncatedGgufError';
}
