/** What clients and SDKs send about themselves, or about services that OpenAI has and this server has not. */
export const alwaysIgnored = {
  user: 'Requests take turns by address, not by user.',
  metadata: 'Nothing is stored that it could be found by.',
  store: 'Nothing is stored.',
  service_tier: 'There is one tier.',
  safety_identifier: 'Nobody is watched.',
  prompt_cache_key: 'Prompts are found by what is in them.',
  prompt_cache_options: 'Prompts are found by what is in them.',
  prompt_cache_retention: 'What a sequence holds stays until another request needs it.',
} as const;
