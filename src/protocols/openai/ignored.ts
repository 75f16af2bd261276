/** What clients and SDKs send about themselves, or about services that OpenAI has and this server has not. */
export const alwaysIgnored = [
  'user',
  'metadata',
  'store',
  'service_tier',
  'safety_identifier',
  'prompt_cache_key',
  'prompt_cache_retention',
] as const;
