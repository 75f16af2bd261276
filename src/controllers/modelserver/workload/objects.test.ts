import { describe, expect, it } from 'vitest';
import { aServer, aServerView, meta } from '../../testing/objects.ts';
import { planRollout } from '../rollout/plan.ts';
import { unwantedObjects, workloadObjects, type ServerSurroundings } from './objects.ts';

const open = { clients: [], monitoring: [], egress: [] };
const usual: ServerSurroundings = { network: open, pullSecrets: [] };
const ownerReferences = [
  {
    apiVersion: 'longshore.dev/v1alpha1',
    kind: 'ModelServer',
    name: 'chat',
    uid: 'uid-of-chat',
    controller: true,
    blockOwnerDeletion: true,
  },
];
const labels = { 'app.kubernetes.io/managed-by': 'longshore', 'longshore.dev/server': 'chat' };
const metadata = { name: 'chat', namespace: 'ns', labels, ownerReferences };

function objectsOf(spec: object = {}, surroundings = usual) {
  const server = aServer(spec);
  return workloadObjects(server, planRollout(aServerView({ server }))!.deployment, surroundings);
}
const kindsOf = (objects: ReturnType<typeof objectsOf>) => objects.map(({ kind }) => kind.kind);
const theOne = (kind: string, objects: ReturnType<typeof objectsOf>) =>
  objects.find((each) => each.kind.kind === kind)?.object;

describe('a server', () => {
  it('is first an address, then an account, behind a policy, and then pods', () => {
    expect(kindsOf(objectsOf())).toEqual(['Service', 'ServiceAccount', 'NetworkPolicy', 'Deployment']);
  });

  it('has a budget from two replicas on, which lets one pod go after another', () => {
    expect(kindsOf(objectsOf({ replicas: 0 }))).not.toContain('PodDisruptionBudget');
    expect(theOne('PodDisruptionBudget', objectsOf({ replicas: 2 }))).toEqual({
      metadata,
      spec: {
        maxUnavailable: 1,
        unhealthyPodEvictionPolicy: 'AlwaysAllow',
        selector: { matchLabels: { 'longshore.dev/server': 'chat' } },
      },
    });
  });

  it('runs under an account of its own, of which no pod gets a token', () => {
    expect(theOne('ServiceAccount', objectsOf())).toEqual({
      metadata: { ...metadata, name: 'chat-server' },
      automountServiceAccountToken: false,
    });
    expect(theOne('Deployment', objectsOf())).toMatchObject({
      spec: {
        template: { spec: { serviceAccountName: 'chat-server', automountServiceAccountToken: false } },
      },
    });
  });

  it('has its image pulled as the operator was told', () => {
    const account = theOne('ServiceAccount', objectsOf({}, { ...usual, pullSecrets: ['registry'] }));
    expect(account).toMatchObject({ imagePullSecrets: [{ name: 'registry' }] });
  });

  it('is reached by its port alone, and reaches nobody', () => {
    expect(theOne('NetworkPolicy', objectsOf())).toEqual({
      metadata,
      spec: {
        podSelector: { matchLabels: { 'longshore.dev/server': 'chat' } },
        policyTypes: ['Ingress', 'Egress'],
        ingress: [{ ports: [{ protocol: 'TCP', port: 8080 }] }],
        egress: [],
      },
    });
  });

  it('is reached by its clients and by who scrapes it, where there is a list of clients', () => {
    const client = { namespaceSelector: { matchLabels: { team: 'search' } } };
    const prometheus = { podSelector: { matchLabels: { app: 'prometheus' } } };
    const egress = [{ ports: [{ port: 15012 }] }];
    const reached = (clients: object[]) =>
      theOne(
        'NetworkPolicy',
        objectsOf({}, { ...usual, network: { clients, monitoring: [prometheus], egress } }),
      );
    expect(reached([client])).toMatchObject({ spec: { ingress: [{ from: [client, prometheus] }], egress } });
    expect(reached([])).not.toHaveProperty('spec.ingress.0.from');
  });
});

describe('what a server should not have any more', () => {
  const policy = { metadata: meta('chat') };
  const there = { ...aServerView(), networkPolicies: [policy], budgets: [{ metadata: meta('chat') }] };
  const unwanted = (replicas: number, network: ServerSurroundings['network']) =>
    unwantedObjects(aServer({ replicas }), there, { network }).map(({ kind }) => kind.kind);

  it('is a budget for one pod', () => {
    expect(unwanted(2, open)).toEqual([]);
    expect(unwanted(1, open)).toEqual(['PodDisruptionBudget']);
  });

  it('is a policy, where the operator is told to make none', () => {
    expect(unwanted(2, undefined)).toEqual(['NetworkPolicy']);
    expect(kindsOf(objectsOf({}, { ...usual, network: undefined }))).not.toContain('NetworkPolicy');
  });
});
