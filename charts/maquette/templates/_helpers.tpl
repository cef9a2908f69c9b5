{{/* The name of every object. A release called maquette gives just that. */}}
{{- define "maquette.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{ .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" }}
{{- end -}}
{{- end }}

{{/* Which pods are the operator's. */}}
{{- define "maquette.selector" -}}
app.kubernetes.io/component: operator
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "maquette.labels" -}}
{{ include "maquette.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{/* The namespaces to work in, separated by commas; nothing for all. */}}
{{- define "maquette.namespaces" -}}
{{ .Values.watchNamespaces | default list | compact | join "," }}
{{- end }}

{{/* A list of rules of generated/rules.yaml: dict "root" $ "which" NAME. */}}
{{- define "maquette.rules" -}}
{{ index (.root.Files.Get "generated/rules.yaml" | fromYaml) .which | toYaml }}
{{- end }}
