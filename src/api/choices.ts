/** What may be chosen, apart from the schemas: who only lists it starts without them. */

/** What `spec.source.huggingFace.bits` may be. */
export const bitsPerWeight = [1, 2, 3, 4, 5, 6, 8, 16, 32] as const;
export type BitsPerWeight = (typeof bitsPerWeight)[number];

/** Sources whose models have names that people know. */
export const namedSources = ['huggingface', 'ollama'] as const;
export type NamedSource = (typeof namedSources)[number];

/** What of a search comes first: the most, or the latest. */
export const searchOrders = ['downloads', 'likes', 'updated'] as const;
export type SearchOrder = (typeof searchOrders)[number];
