{{/* Names. Kubernetes allows 63 characters; the longest suffix is "-api-operator". */}}
{{- define "countersign.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "countersign.fullname" -}}
{{- $name := .Values.nameOverride | default .Chart.Name }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "countersign.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}
{{- .Values.serviceAccount.name | default (include "countersign.fullname" .) }}
{{- else }}
{{- .Values.serviceAccount.name | default "default" }}
{{- end }}
{{- end }}

{{/* A hook runs before the release makes its account. */}}
{{- define "countersign.hookServiceAccount" -}}
{{- if .Values.serviceAccount.create }}default{{ else }}{{ include "countersign.serviceAccount" . }}{{ end }}
{{- end }}

{{- define "countersign.tlsSecret" -}}
{{- if .Values.tls.certManager.enabled }}
{{- include "countersign.fullname" . }}-tls
{{- else }}
{{- .Values.tls.existingSecret }}
{{- end }}
{{- end }}

{{/* Host names of the API, and that of the portal, as a JSON list: (dict "root" $ "hosts" .Values.ingress.hosts). */}}
{{- define "countersign.hosts" -}}
{{- $portal := .root.Values.portal }}
{{- $own := and $portal.enabled $portal.host }}
{{- (not $own | ternary .hosts (append .hosts $portal.host | uniq)) | toJson }}
{{- end }}

{{- define "countersign.scheme" -}}
{{- if include "countersign.tlsSecret" . }}https{{ else }}http{{ end }}
{{- end }}

{{- define "countersign.image" -}}
{{- $registry := .Values.global.imageRegistry | default .Values.image.registry }}
{{- $repository := .Values.image.repository }}
{{- if $registry }}{{ $repository = printf "%s/%s" $registry $repository }}{{ end }}
{{- if .Values.image.digest }}
{{- printf "%s@%s" $repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" $repository (.Values.image.tag | default .Chart.AppVersion) }}
{{- end }}
{{- end }}

{{/* Which Deployment answers requests. */}}
{{- define "countersign.front" -}}
{{- if eq .Values.mode "split" }}api{{ else }}all{{ end }}
{{- end }}

{{/* Whether everything is on Postgres and Redis: "true" or nothing. */}}
{{- define "countersign.shared" -}}
{{- if ne .Values.mode "single" }}true{{ end }}
{{- end }}

{{/* Labels by which the objects of a component are selected: (dict "root" $ "component" "api"). */}}
{{- define "countersign.selector" -}}
{{ include "countersign.releaseSelector" .root }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "countersign.releaseSelector" -}}
app.kubernetes.io/name: {{ include "countersign.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Not those with a version: pods would restart for a new chart that changes nothing else. */}}
{{- define "countersign.podLabels" -}}
{{- include "countersign.selector" . }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "countersign.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{ include "countersign.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The name and place of an object: (dict "root" $ "component" "api" "name" "..."). */}}
{{- define "countersign.metadata" -}}
name: {{ .name }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "countersign.labels" . | nindent 2 }}
{{- end }}

{{- define "countersign.servicePort" -}}
{{- if .Values.service.port }}
{{- int .Values.service.port }}
{{- else }}
{{- eq (include "countersign.scheme" .) "https" | ternary 443 80 }}
{{- end }}
{{- end }}

{{/* The API as other pods of the cluster reach it. */}}
{{- define "countersign.url" -}}
{{- printf "%s://%s.%s.svc:%s" (include "countersign.scheme" .) (include "countersign.fullname" .) .Release.Namespace (include "countersign.servicePort" .) }}
{{- end }}
