/** Of a Fastify server, what listening takes. */
interface Listening {
  listen(options: { port: number; host: string }): Promise<string>;
}

/**
 * Listens on every address of the machine, of IPv6 and IPv4; one without IPv6 has no `::`.
 * @returns the address, with an IP address for whoever has to call it, e.g. `http://[::1]:8080`
 */
export async function listenEverywhere(server: Listening, port: number): Promise<string> {
  try {
    return await server.listen({ port, host: '::' });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'EAFNOSUPPORT' && code !== 'EADDRNOTAVAIL') throw error;
    return await server.listen({ port, host: '0.0.0.0' });
  }
}
