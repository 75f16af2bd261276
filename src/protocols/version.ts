declare const LONGSHORE_VERSION: string | undefined;

/** Of this program: what it was bundled as. */
export const version = typeof LONGSHORE_VERSION === 'string' ? LONGSHORE_VERSION : 'from a checkout';
