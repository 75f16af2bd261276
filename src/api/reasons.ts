/**
 * Where a reason can be met: in a condition, or in an event, of an object of this kind. Ready, Reconciling and Stalled have
 * the reason of the condition that is not True; Ready is named for what no other condition tells.
 */
export type ReasonPlace =
  | `Model ${'Resolved' | 'StorageReady' | 'Pulled' | 'Ready' | 'event'}`
  | `ModelServer ${'ModelReady' | 'Scheduled' | 'Loaded' | 'Available' | 'ChatTemplateHonored' | 'RolledOut' | 'RuntimeCurrent' | 'Ready' | 'event'}`
  | 'PersistentVolumeClaim event';

/**
 * Every reason a person can meet in a condition, an event or an error: where, what it means and what to do next.
 * Conditions, events and docs take their words from here. Tests bring each about in each of its places
 * (operator/reasons.test.ts, puller/reasons.test.ts).
 */
export interface ReasonText {
  readonly where: readonly ReasonPlace[];
  readonly meaning: string;
  readonly action: string;
}

export const reasons = {
  // A Model on its way
  Resolving: {
    where: ['Model Resolved'],
    meaning: 'The source is being asked what the name stands for.',
    action: 'Wait; this takes seconds.',
  },
  WaitingForVolume: {
    where: ['Model StorageReady'],
    meaning: 'The claim exists and no volume is bound to it yet.',
    action:
      'Look at the claim with `kubectl describe pvc`; the storage class may need a node or a provisioner.',
  },
  Queued: {
    where: ['Model Pulled'],
    meaning: 'As many pulls run as the operator allows at once, in the cluster or in this namespace.',
    action:
      'Wait for the turn, which the message tells; the limits are `pulls.perCluster` and `pulls.perNamespace` of the chart.',
  },
  Pulling: {
    where: ['Model Pulled'],
    meaning: 'The files are being downloaded onto the volume.',
    action: 'Watch with `kubectl get models -w`.',
  },
  Verifying: {
    where: ['Model Pulled'],
    meaning: 'The downloaded bytes are being compared with the digests that the source states.',
    action: 'Wait; this takes seconds per gigabyte.',
  },
  Resolved: {
    where: ['Model event'],
    meaning: 'The source has told what the name stands for: a revision, its files and their size.',
    action: 'Nothing.',
  },
  PullProgress: {
    where: ['Model event'],
    meaning: 'A quarter, a half or three quarters of the bytes are on the volume.',
    action: 'Watch with `kubectl get models -w`.',
  },
  Verified: {
    where: ['Model event'],
    meaning: 'All files are on the volume, with the digests that the source states.',
    action: 'Nothing.',
  },
  Ready: {
    where: ['Model Ready', 'ModelServer Ready'],
    meaning: 'The object is what its spec asks for.',
    action: 'Nothing.',
  },
  Succeeded: {
    where: [
      'Model Resolved',
      'Model StorageReady',
      'Model Pulled',
      'ModelServer ModelReady',
      'ModelServer Scheduled',
      'ModelServer Loaded',
      'ModelServer Available',
      'ModelServer ChatTemplateHonored',
      'ModelServer RolledOut',
      'ModelServer RuntimeCurrent',
    ],
    meaning: 'This step is done.',
    action: 'Nothing.',
  },

  RevisionChanged: {
    where: ['Model event'],
    meaning: 'The source names another revision than when it was asked before.',
    action: 'Nothing; it is pulled beside what is published, and servers turn to it then.',
  },

  Pending: {
    where: [
      'Model Resolved',
      'Model StorageReady',
      'Model Pulled',
      'ModelServer Scheduled',
      'ModelServer Loaded',
      'ModelServer RolledOut',
      'ModelServer ChatTemplateHonored',
    ],
    meaning: 'An earlier step has to be done first.',
    action: 'Look at the condition that the message names.',
  },

  Suspended: {
    where: ['Model Resolved', 'Model Pulled'],
    meaning:
      'Nothing is asked or pulled, since spec.suspend is set; what is on the volume stays, and what is published stays in use.',
    action: 'Set spec.suspend to false to go on from there.',
  },

  // The pod of a Model's Job
  NodeLost: {
    where: ['Model Pulled', 'ModelServer Loaded'],
    meaning: 'The node on which the files are being pulled, or a pod of the server runs, does not answer.',
    action:
      'Wait: it goes on when the node is back. If that is gone for good, delete the Node object, and it goes on elsewhere.',
  },
  Evicted: {
    where: ['Model Pulled'],
    meaning:
      'The pod was evicted: its node is being drained or short of something, or a pod of higher priority needed the room.',
    action: 'Wait; another pod goes on from what is on the volume.',
  },
  QuotaExceeded: {
    where: [
      'Model Ready',
      'Model Resolved',
      'Model StorageReady',
      'Model Pulled',
      'ModelServer Scheduled',
      'ModelServer Ready',
    ],
    meaning: 'A ResourceQuota of the namespace has no room for a claim, a Job or a pod that is needed.',
    action: 'Raise the quota that is named, or free some of it. Longshore tries again by itself.',
  },

  // A Model that only a person, or the source, can mend
  RepoNotFound: {
    where: ['Model Resolved', 'Model Pulled'],
    meaning: 'The hub or registry knows no such repository or model, or hides it from this token.',
    action: 'Check the name in spec.source; for a private one name a Secret in spec.credentials.',
  },
  RevisionNotFound: {
    where: ['Model Resolved', 'Model Pulled'],
    meaning: 'The repository has no such branch, tag or commit, or the model no such tag or digest.',
    action: 'Check spec.source.huggingFace.revision, or the tag in spec.source.ollama.model.',
  },
  FileNotFound: {
    where: ['Model Resolved', 'Model Pulled'],
    meaning: 'The source has no such file, or not all pieces of a split one.',
    action: 'Check the files in spec.source against what the repository, artifact or server has.',
  },
  QuantizationNotFound: {
    where: ['Model Resolved', 'Model Pulled'],
    meaning: 'The repository has no GGUF file of this quantization, or of so many bits.',
    action: 'Choose one that the message lists, in spec.source.huggingFace.quantization or bits.',
  },
  NoModelFile: {
    where: ['Model Resolved', 'Model Pulled'],
    meaning: 'The repository has no GGUF file at this revision.',
    action: 'Choose a repository that publishes GGUF files; the message names some if the hub knows any.',
  },
  AmbiguousFiles: {
    where: ['Model Resolved', 'Model Pulled'],
    meaning:
      'The repository has several GGUF files and the spec chooses none of them, or it chooses too many.',
    action: 'Set spec.source.huggingFace.quantization, or files, to what the message names.',
  },
  NotGGUF: {
    where: ['Model Resolved', 'Model Pulled'],
    meaning: 'The file carries the name of a GGUF file, but its content is not one.',
    action: 'Choose another file; this one cannot be loaded.',
  },
  TruncatedGGUF: {
    where: ['Model Resolved', 'Model Pulled'],
    meaning: 'The GGUF file ends before the weights that its own header lists.',
    action: 'Choose another file; whoever published this one has to upload it again.',
  },
  UnsupportedModel: {
    where: ['Model Resolved', 'Model Pulled'],
    meaning: 'The source has the model in a form that the runtime cannot load.',
    action: 'Read the message for what it is; choose another tag, or the same model as a GGUF file.',
  },
  XetOnly: {
    where: ['Model Resolved', 'Model Pulled'],
    meaning: 'The hub gives the file over its Xet protocol only, as it does with very large files.',
    action: 'Choose a smaller or a split quantization, or serve the file from a mirror.',
  },
  SizeUnknown: {
    where: ['Model Resolved', 'Model Pulled'],
    meaning: 'The server of a file does not say how many bytes it has.',
    action: 'Serve the file with a Content-Length, or from a server that answers requests for ranges.',
  },
  GatedRepo: {
    where: ['Model Resolved', 'Model Pulled'],
    meaning: 'The repository is gated and this request has not been granted access.',
    action: "Ask for access on the repository's page, then name a Secret with a token in spec.credentials.",
  },
  Unauthorized: {
    where: ['Model Resolved', 'Model Pulled'],
    meaning: 'The hub or registry refused the token, or asks for one.',
    action: 'Put a valid token into the Secret that spec.credentials names.',
  },
  CredentialsNotFound: {
    where: ['Model Resolved', 'Model Pulled'],
    meaning: 'The Secret, or its key, that spec.credentials or spec.puller.proxy names does not exist.',
    action: 'Create the Secret in the namespace of the Model, or correct the field that the message names.',
  },
  CredentialsForAnotherHost: {
    where: ['Model Resolved', 'Model Pulled'],
    meaning:
      'The token, or the password of a proxy, is meant for another host than the one that the Model names, so it was not sent.',
    action: "Set the Secret's key `host` to what the message names, if that host may have it.",
  },
  CABundleNotFound: {
    where: ['Model Resolved', 'Model Pulled'],
    meaning:
      'The ConfigMap or Secret, or its key, that spec.puller.caBundle names does not exist, or holds no certificates.',
    action:
      'Create it in the namespace of the Model with certificates in PEM, or correct spec.puller.caBundle.',
  },
  CertificateNotTrusted: {
    where: ['Model Resolved', 'Model Pulled'],
    meaning:
      'The source, what it redirects to, or the proxy shows a certificate that has expired, is for another host, or comes from nobody that the puller trusts.',
    action:
      'Read the message for which it is; name the authority in spec.puller.caBundle, or have the certificate renewed.',
  },
  ProxyRefused: {
    where: ['Model Resolved', 'Model Pulled'],
    meaning:
      'The proxy asks for a user and a password, refuses those it got, or lets nobody through to this host.',
    action:
      'Put the right ones into the Secret that spec.puller.proxy names, or have the proxy let the host through.',
  },
  ChecksumMismatch: {
    where: ['Model Resolved', 'Model Pulled'],
    meaning: 'The downloaded bytes do not have the digest that the source states; they were thrown away.',
    action: 'Longshore tries again by itself; if it stays, a proxy or mirror alters the file.',
  },
  InsufficientStorage: {
    where: ['Model StorageReady', 'Model Pulled'],
    meaning: 'The volume is too small for the files.',
    action:
      'Raise spec.storage.size, or leave it out to have it measured; enlarge a claim that spec.storage.claimName names, or free some of it.',
  },
  StorageClassNotFound: {
    where: ['Model StorageReady'],
    meaning:
      'The claim is for a StorageClass that does not exist, or for the default one where there is none.',
    action:
      'Create the class, or name one that `kubectl get storageclass` lists in spec.storage.storageClassName.',
  },
  ExpansionNotSupported: {
    where: ['Model StorageReady'],
    meaning: 'The claim is smaller than the spec asks for, or than the files are, and cannot be enlarged.',
    action:
      'Set allowVolumeExpansion in the StorageClass, or name another in spec.storage.storageClassName: the files are pulled onto a new volume then.',
  },
  Resizing: {
    where: ['Model StorageReady'],
    meaning: 'The volume is being enlarged.',
    action: 'Wait; look at the claim with `kubectl describe pvc` if it stays.',
  },
  VolumeReadOnly: {
    where: ['Model StorageReady', 'Model Pulled'],
    meaning: 'The volume cannot be written to.',
    action: 'Check the access mode and mount options of the volume, and who owns its files.',
  },
  VolumeNotReadable: {
    where: ['Model Resolved', 'Model Pulled'],
    meaning: 'A file or folder that spec.source.volume names may not be read by the puller.',
    action:
      'Give user 65532, or everybody, the right to read it; servers read as the same user as the puller.',
  },
  SourceUnreachable: {
    where: ['Model Resolved', 'Model Pulled'],
    meaning: 'The hub or registry did not answer, or answered with a server error.',
    action:
      'Longshore tries again by itself; check spec.source endpoint, DNS and network policies if it stays.',
  },
  RateLimited: {
    where: ['Model Resolved', 'Model Pulled'],
    meaning: 'The hub or registry asks for fewer requests.',
    action: 'Longshore tries again by itself; a token in spec.credentials usually raises the limit.',
  },
  VolumeLost: {
    where: ['Model StorageReady'],
    meaning: 'The volume behind the claim is gone.',
    action:
      'Delete the claim; Longshore makes a new one and pulls again. One that the spec names is yours to make again.',
  },
  ClaimNotFound: {
    where: ['Model StorageReady'],
    meaning: 'The claim that the spec names does not exist in the namespace of the Model.',
    action: 'Create it, or correct spec.storage.claimName or spec.source.volume.claimName.',
  },
  ClaimTerminating: {
    where: ['Model StorageReady'],
    meaning: 'The claim that the spec names is being deleted, and goes when no pod uses it.',
    action: 'Name another claim, or make it again when it is gone; the Model goes on by itself then.',
  },
  ClaimOfModel: {
    where: ['Model StorageReady'],
    meaning: 'The claim that the spec names was made for one Model, and goes with it.',
    action: 'Name a claim that you have made, or take the labels off a retained one to make it yours.',
  },
  PullerFailed: {
    where: ['Model Resolved', 'Model Pulled', 'PersistentVolumeClaim event'],
    meaning: 'The puller ended without saying why.',
    action: 'Read its log with `kubectl logs job/<name>`; Longshore tries again by itself.',
  },

  // What is on a shared claim and nobody needs any more: events of the claim
  Collected: {
    where: ['PersistentVolumeClaim event'],
    meaning: 'The files that a deleted Model had on a shared claim, and no other Model has, are removed.',
    action: 'Nothing.',
  },
  InUse: {
    where: ['Model Ready', 'PersistentVolumeClaim event'],
    meaning:
      'A deleted Model stays, or the files that it had on a shared claim, since ModelServers use them.',
    action:
      'Delete these ModelServers, or have them use another Model; the annotation longshore.dev/force-delete has the Model go at once.',
  },

  // A ModelServer
  ModelNotFound: {
    where: ['ModelServer ModelReady'],
    meaning: 'No Model of this name exists in this namespace.',
    action: 'Create the Model, or correct spec.modelRef.name.',
  },
  ModelTerminating: {
    where: ['ModelServer ModelReady'],
    meaning: 'The Model is being deleted, and no server may begin to use it.',
    action: 'Name another Model in spec.modelRef.name, or apply it again when it is gone.',
  },
  ModelNotReady: {
    where: ['ModelServer ModelReady'],
    meaning: 'The Model has published no weights yet.',
    action: 'Look at the Model with `kubectl describe model`.',
  },
  Starting: {
    where: ['ModelServer Scheduled', 'ModelServer Loaded', 'ModelServer Ready'],
    meaning: 'The pods of the server are being scheduled and started.',
    action: 'Wait; look at the pods if it stays.',
  },
  Loading: {
    where: ['ModelServer Loaded'],
    meaning: 'The weights are being loaded.',
    action: 'Watch with `kubectl get modelservers -w`.',
  },
  RollingOut: {
    where: ['ModelServer Loaded', 'ModelServer RolledOut', 'ModelServer Ready'],
    meaning:
      'Pods of before are being replaced by those that the spec and the Model ask for now, or stopped.',
    action: 'Wait; `kubectl get modelservers -w` shows how many answer.',
  },
  Surging: {
    where: ['ModelServer RolledOut'],
    meaning: 'Pods are being replaced: a new one is ready before an old one stops.',
    action: 'Wait; with strategy Auto the rollout drains instead when there is no room for a pod more.',
  },
  Draining: {
    where: ['ModelServer RolledOut', 'ModelServer event'],
    meaning:
      'Pods are being replaced: an old one stops before a new one starts. With one replica nothing answers meanwhile.',
    action: 'Wait; room for one pod more, such as a spare GPU, lets rollouts surge.',
  },
  RolledBack: {
    where: ['ModelServer RolledOut', 'ModelServer RuntimeCurrent', 'ModelServer event'],
    meaning: 'What was asked for last did not come to serve, and what served before is back.',
    action:
      'Read the message. Change the spec or the Model, or have the same tried again by another value of the annotation longshore.dev/roll-at.',
  },
  RuntimeOutdated: {
    where: ['ModelServer RuntimeCurrent'],
    meaning:
      'The operator has another runtime than the pods run; servers on GPUs do not turn to it by themselves.',
    action:
      'When it suits: `kubectl annotate --overwrite modelserver <name> longshore.dev/roll-at="$(date +%s)"`.',
  },
  NoPodAnswers: {
    where: ['ModelServer Available'],
    meaning: 'No pod of the server answers now.',
    action: 'Look at the other conditions for what keeps the pods from it.',
  },
  ScaledToZero: {
    where: ['ModelServer Available', 'ModelServer Ready'],
    meaning: 'No replica is wanted, so none answers; that is what the spec asks for.',
    action: 'Nothing; `kubectl scale modelserver <name> --replicas=1` brings one back.',
  },
  Unschedulable: {
    where: ['ModelServer Scheduled'],
    meaning: 'No node can take a pod of the server.',
    action: 'Free or add what is lacking, or ask for less in spec.gpu and spec.pod.',
  },
  NoNodeFits: {
    where: ['ModelServer Scheduled'],
    meaning:
      'By what nodes say of their memory, none has enough for the weights and the context of a replica. The pods are made all the same, so that a cluster autoscaler can act.',
    action:
      'Change what the message proposes: spec.runtime.contextSize, spec.gpu.count, or a smaller quantization; or add a node with more memory.',
  },
  VolumeOutOfReach: {
    where: ['ModelServer Scheduled'],
    meaning:
      'A volume with weights, of the Model, of an adapter or of a draft model, is bound to a node or zone, and no node there can take a pod of the server.',
    action:
      'Make room on the nodes that reach the volumes, or have the Model pulled onto another one: a StorageClass in spec.storage.storageClassName that all nodes reach.',
  },
  VolumeNotShared: {
    where: ['ModelServer Scheduled', 'ModelServer Loaded'],
    meaning:
      'A volume with weights can be on one node at a time, or be used by one pod, and the pods that mount it need more.',
    action:
      'Have the Model on a claim with spec.storage.accessModes: [ReadWriteMany], or keep all pods that use it on one node with spec.pod.nodeSelector.',
  },
  MountFailed: {
    where: ['ModelServer Loaded'],
    meaning: 'A node cannot mount a volume of the pod.',
    action:
      'Look at the claims of the server and at the driver of their storage. The kubelet tries again by itself.',
  },
  PodCannotStart: {
    where: ['ModelServer Loaded'],
    meaning: 'The kubelet cannot make or start the container of the server.',
    action:
      'Mend what the kubelet names: something that is missing, or that the node refuses. It tries again by itself.',
  },
  Crashed: {
    where: ['ModelServer Loaded'],
    meaning: 'The runtime ended without saying why, and is started again.',
    action: 'Read its log with `kubectl logs <pod> --previous`.',
  },
  ImagePullFailed: {
    where: ['ModelServer Loaded'],
    meaning: 'The node cannot pull the runtime image.',
    action:
      'Check the image name that the operator was installed with, and the pull credentials of the nodes.',
  },
  NotServable: {
    where: ['ModelServer ModelReady'],
    meaning:
      'The Model holds no weights that a server could load by themselves, or, where it is named as an adapter, no LoRA adapter.',
    action:
      'Serve a Model with a GGUF model; name one with a single LoRA adapter in spec.runtime.adapters of its server.',
  },
  IncompatibleAdapter: {
    where: ['ModelServer ModelReady', 'ModelServer Loaded'],
    meaning: 'A LoRA adapter was made for another model than the one that is served.',
    action: 'Use an adapter that was made for this model, or take it out of spec.runtime.adapters.',
  },
  IncompatibleDraft: {
    where: ['ModelServer ModelReady', 'ModelServer Loaded'],
    meaning:
      'The draft model speaks in other tokens than the model that is served, or the model cannot take tokens back.',
    action: 'Use a smaller model of the same family in spec.runtime.draftModelRef, or leave it out.',
  },
  TemplateNotSupported: {
    where: ['ModelServer ChatTemplateHonored'],
    meaning: "The chat template of the Ollama model cannot be evaluated, so the GGUF file's own is used.",
    action: 'Compare a few answers; if they are odd, choose a model whose template is supported.',
  },
  LoadFailed: {
    where: ['ModelServer Loaded'],
    meaning: 'The runtime could not load the weights.',
    action: 'Read the log of the pod; the file may be of an unsupported architecture.',
  },
  InsufficientMemory: {
    where: ['ModelServer Loaded'],
    meaning: 'Weights and context do not fit into the memory of the server.',
    action:
      'Raise spec.pod.resources.limits.memory, lower spec.runtime.contextSize or parallel, or serve a smaller quantization.',
  },
  InsufficientGPUMemory: {
    where: ['ModelServer Loaded'],
    meaning: 'Weights and context do not fit into the memory of the GPUs.',
    action:
      'Lower spec.runtime.contextSize or parallel, ask for more GPUs or larger ones, or serve a smaller quantization.',
  },
  GPUNotUsable: {
    where: ['ModelServer Loaded'],
    meaning: 'The image of the server computes on GPUs, and can use none in its pod.',
    action:
      'Read the message: the driver of the node, its container toolkit or device plugin, or a group of the pod is missing. `gpu.count: 0` computes on the CPU.',
  },
  ApiKeysNotFound: {
    where: ['ModelServer Loaded'],
    meaning: 'The Secret that spec.auth names does not exist, or holds no API key.',
    action:
      'Create it in the namespace of the ModelServer, a key in each value; the server starts by itself.',
  },

  // Either
  NameTaken: {
    where: ['Model Ready', 'ModelServer Ready'],
    meaning: 'An object that Longshore did not make has the name that it needs.',
    action: 'Rename the Model or ModelServer, or delete the object that the message names.',
  },
  DeadlineExceeded: {
    where: ['Model Resolved', 'Model Pulled', 'PersistentVolumeClaim event'],
    meaning: 'A Job did not finish in the time it has.',
    action: 'Look at its pod: it may lack a node, its image or the network. Longshore tries again by itself.',
  },
  InvalidObject: {
    where: ['Model event', 'ModelServer event'],
    meaning: 'The object in the cluster does not have the shape its schema asks for.',
    action: 'Apply it again with the current CRDs installed.',
  },
  WriteRefused: {
    where: [
      'Model Ready',
      'Model Resolved',
      'Model Pulled',
      'ModelServer Scheduled',
      'ModelServer Ready',
      'PersistentVolumeClaim event',
    ],
    meaning:
      'The API server refused an object that Longshore needs to make, or a pod of its Job or Deployment.',
    action:
      'Read the message: a LimitRange, a Pod Security level, an admission policy, or a PriorityClass or ServiceAccount that is missing is named there.',
  },
} as const satisfies Record<string, ReasonText>;

export type Reason = keyof typeof reasons;
