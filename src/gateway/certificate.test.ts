import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Authority } from '../../test/hub/authority.ts';
import { readCertificate, renewCertificate, type SecureServer } from './certificate.ts';
import { startGatewayBefore, type GatewayChoices, type Answer } from './testing/world.ts';

const gatewayBefore = (answers: readonly (Answer | 'absent')[], choices?: GatewayChoices) =>
  startGatewayBefore(onTestFinished, answers, choices);

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** A folder as a Secret is mounted, and an authority to fill it. */
async function mounted() {
  const authority = await Authority.create();
  const folder = await mkdtemp(join(tmpdir(), 'certificate-'));
  onTestFinished(async () => {
    await authority[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });
  const put = async (): Promise<string> => {
    const { cert, key } = await authority.issue(['IP:127.0.0.1']);
    await writeFile(join(folder, 'tls.crt'), cert);
    await writeFile(join(folder, 'tls.key'), key);
    return cert;
  };
  return { authority, folder, put };
}

/** The status of /healthz, and the serial number of the certificate that is shown. */
function asked(url: string, ca: string): Promise<{ status: number | undefined; serial: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{
    status: number | undefined;
    serial: string;
  }>();
  request(`${url}/healthz`, { ca, agent: false }, (response) => {
    const { serialNumber } = (response.socket as TLSSocket).getPeerCertificate();
    response.resume();
    resolve({ status: response.statusCode, serial: serialNumber });
  })
    .on('error', reject)
    .end();
  return promise;
}

describe('a gateway with a certificate', () => {
  it('speaks TLS, and shows a new certificate without a restart', { timeout: 30_000 }, async () => {
    const { authority, folder, put } = await mounted();
    await put();
    const certificate = await readCertificate(folder);
    const { url, app } = await gatewayBefore([], { certificate });
    const before = await asked(url, authority.certificate);
    expect(before.status).toBe(200);
    expect(url).toMatch(/^https:/);

    await put();
    const server = app.server as unknown as SecureServer;
    const renewed = await renewCertificate(server, folder, certificate, silent);
    const after = await asked(url, authority.certificate);
    expect(after.status).toBe(200);
    expect(after.serial).not.toBe(before.serial);
    expect(await renewCertificate(server, folder, renewed, silent)).toBe(renewed);
  });

  it('keeps the last one while chain and key do not belong together', { timeout: 30_000 }, async () => {
    const { authority, folder, put } = await mounted();
    await put();
    const certificate = await readCertificate(folder);
    const { url, app } = await gatewayBefore([], { certificate });
    await writeFile(join(folder, 'tls.crt'), (await authority.issue(['IP:127.0.0.1'])).cert);
    await expect(readCertificate(folder)).rejects.toThrow(/key/i);
    const server = app.server as unknown as SecureServer;
    expect(await renewCertificate(server, folder, certificate, silent)).toBe(certificate);
    expect((await asked(url, authority.certificate)).status).toBe(200);
  });
});
