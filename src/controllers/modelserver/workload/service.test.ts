import { describe, expect, it } from 'vitest';
import { aServer } from '../../testing/objects.ts';
import { endpoint, serverService } from './service.ts';

const owner = {
  apiVersion: 'longshore.dev/v1alpha1',
  kind: 'ModelServer',
  name: 'chat',
  uid: 'uid-of-chat',
  controller: true,
  blockOwnerDeletion: true,
};

describe('serverService', () => {
  it('is, whole', () => {
    expect(serverService(aServer())).toEqual({
      metadata: {
        name: 'chat',
        namespace: 'ns',
        labels: { 'app.kubernetes.io/managed-by': 'longshore', 'longshore.dev/server': 'chat' },
        ownerReferences: [owner],
      },
      spec: {
        type: 'ClusterIP',
        selector: { 'longshore.dev/server': 'chat' },
        ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 'http' }],
      },
    });
  });

  it('is at the endpoint that the status names', () => {
    expect(endpoint(aServer())).toBe('http://chat.ns.svc');
  });
});
