{{- define "longshore.name" -}}
{{ .Release.Name | trunc 50 | trimSuffix "-" }}-operator
{{- end }}

{{- define "longshore.selector" -}}
app.kubernetes.io/name: longshore-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "longshore.gateway.name" -}}
{{ .Release.Name | trunc 50 | trimSuffix "-" }}-gateway
{{- end }}

{{- define "longshore.gateway.selector" -}}
app.kubernetes.io/name: longshore-gateway
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "longshore.gateway.labels" -}}
{{ include "longshore.gateway.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "longshore.labels" -}}
{{ include "longshore.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "longshore.image" -}}
{{ .image.repository }}:{{ .image.tag | default (printf "%s%s" .root.Chart.AppVersion (.suffix | default "")) }}
{{- end }}

{{- /* Who reaches the pods of servers, in JSON. The operator does, which asks them how far they are, and so does the gateway. */}}
{{- define "longshore.serverNetwork" -}}
{{- $here := dict "matchLabels" (dict "kubernetes.io/metadata.name" .Release.Namespace) }}
{{- $operator := dict "matchLabels" (fromYaml (include "longshore.selector" .)) }}
{{- $own := list (dict "namespaceSelector" $here "podSelector" $operator) }}
{{- if .Values.gateway.enabled }}
{{- $gateway := dict "matchLabels" (fromYaml (include "longshore.gateway.selector" .)) }}
{{- $own = append $own (dict "namespaceSelector" $here "podSelector" $gateway) }}
{{- end }}
{{- with .Values.networkPolicy }}
{{- dict "clients" .clients "monitoring" (concat .monitoring $own) "egress" .egress | toJson }}
{{- end }}
{{- end }}

{{- /* Repositories of the images that the operator may have run, as a list in JSON, which is one in CEL too. */}}
{{- define "longshore.approvedImages" -}}
{{- $own := list .Values.image.operator.repository }}
{{- range .Values.image.runtime }}
{{- $own = append $own .repository }}
{{- end }}
{{- concat $own .Values.admissionPolicy.images | uniq | toJson }}
{{- end }}

{{- define "longshore.uninstall" -}}
helm.sh/hook: post-delete
helm.sh/hook-weight: {{ . | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}
