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

{{- define "longshore.uninstall" -}}
helm.sh/hook: post-delete
helm.sh/hook-weight: {{ . | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}
