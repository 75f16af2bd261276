import type { Latency } from './latency.ts';
import type { Observed } from './observer.ts';
import type { ProcessFigures } from './processes.ts';
import type { Requests } from './requests.ts';

/** From the request to create an object until its first status is seen, and what of that passes inside the operator. */
export interface Response {
  seen: Latency | undefined;
  /** From the arrival of its event to the first write about it. */
  inside: Latency | undefined;
}

export interface CrowdResponse extends Response {
  /** From the first request to create until the last object has its first status. */
  seconds: number;
  /** Objects a second, of that. */
  rate: number;
}

/** Per object, from its creation until it is Ready, as seen on a watch. */
export interface StatusWrites {
  mean: number;
  most: number;
  /** That say only how far a pull or a load is. */
  progress: number;
  /** That leave the status as it was. */
  other: number;
}

/** What was measured with one number of objects. */
export interface Figures {
  models: number;
  servers: number;
  /** With no object at all. */
  empty: ProcessFigures & { readySeconds: number };
  /** One Model at a time, nothing else going on. */
  alone: Response;
  /** All Models at once, pods staying pending: until each has its inspect Job and a status. */
  created: CrowdResponse & {
    createsPerSecond: number;
    /** Of the operator, until then, per Model. */
    cpuMs: number;
    /** CPU seconds of the other processes, until then. */
    elsewhere: Record<string, number>;
  };
  /** ModelServers, after that. */
  serversCreated: CrowdResponse | undefined;
  /** From the moment that pods are played until all is Ready. */
  ready: { seconds: number; rate: number };
  /** A Model of another namespace, now and then, while the crowd is created and while it becomes Ready. */
  besideCreating: Response;
  besideSettling: Response;
  writesPerModel: StatusWrites;
  writesPerServer: StatusWrites | undefined;
  /** Of the operator, from the first of the crowd until all is settled, divided by Models (one server each with `servers`). */
  perModel: {
    cpuMs: number;
    requests: Requests;
    /** Answers of 400 and above. */
    refused: Requests;
    /** Requests to pods. */
    polls: number;
    reconciles: number | undefined;
  };
  /** The operator when all is settled; its CPU from start. */
  settled: ProcessFigures & {
    /** The share of the time from the first of the crowd on in which its thread was busy. */
    eventLoopBusy: number;
    heap: Observed['heap'];
  };
  /** CPU seconds of the other processes, from the first of the crowd until all is settled. */
  elsewhere: Record<string, number>;
  idle: {
    seconds: number;
    /** Requests that write, as the operator sent them; leases and events apart. */
    writes: number;
    /** Versions of Models and ModelServers that appeared. */
    seenWrites: number;
    requests: Requests;
    cpuSeconds: number;
    reconciles: number | undefined;
  };
  /** Stopped, and started again with everything there. */
  restart: ProcessFigures & {
    stopSeconds: number;
    readySeconds: number;
    /** Undefined: it never came to rest. */
    settledSeconds: number | undefined;
    writes: number;
    requests: Requests;
    reconciles: number | undefined;
  };
}
