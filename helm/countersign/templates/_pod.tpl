{{/* What every pod of the chart has: (dict "root" $ "serviceAccount" "..."). */}}
{{- define "countersign.podBasics" -}}
serviceAccountName: {{ .serviceAccount }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with concat .root.Values.imagePullSecrets .root.Values.global.imagePullSecrets | uniq }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  {{- toYaml .root.Values.podSecurityContext | nindent 2 }}
{{- end }}

{{- define "countersign.containerBasics" -}}
image: {{ include "countersign.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
{{- end }}

{{/* Numbers of a values file are floats, which print as 1e+06. */}}
{{- define "countersign.text" -}}
{{- if kindIs "float64" . }}{{ int64 . }}{{ else if kindIs "slice" . }}{{ join "," . }}{{ else }}{{ . }}{{ end }}
{{- end }}

{{/* Settings as variables: (dict "prefix" "COUNTERSIGN" "settings" $map). */}}
{{- define "countersign.settings" -}}
{{- $prefix := .prefix }}
{{- range $name, $value := .settings }}
{{- $variable := printf "%s__%s" $prefix (upper $name) }}
{{- if kindIs "map" $value }}
{{- include "countersign.settings" (dict "prefix" $variable "settings" $value) }}
{{- else }}
- name: {{ $variable }}
  value: {{ include "countersign.text" $value | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* Where a store is: (dict "name" "database" "store" .Values.database). */}}
{{- define "countersign.storeEnvironment" -}}
{{- $variable := printf "COUNTERSIGN__%s" (upper .name) }}
{{- $folder := printf "/etc/countersign/%s" .name }}
{{- if .store.url -}}
- name: {{ $variable }}__URL
  value: {{ .store.url | quote }}
{{- if .store.existingSecret }}
- name: {{ $variable }}__PASSWORD_FILE
  value: {{ $folder }}/password
{{- end }}
{{- else -}}
- name: {{ $variable }}__URL_FILE
  value: {{ $folder }}/url
{{- end }}
{{- if or .store.ca.existingSecret .store.ca.existingConfigMap }}
- name: {{ $variable }}__CA_FILE
  value: {{ $folder }}-ca/ca.crt
{{- end }}
{{- if .store.clientCertificate.existingSecret }}
- name: {{ $variable }}__CLIENT_CERTIFICATE
  value: {{ $folder }}-client/tls.crt
- name: {{ $variable }}__CLIENT_KEY
  value: {{ $folder }}-client/tls.key
{{- end }}
{{- end }}

{{/* The variables of `serve` and of commands beside it. */}}
{{- define "countersign.environment" -}}
- name: COUNTERSIGN__DATA__FOLDER
  value: /data
- name: COUNTERSIGN__SERVER__BIND
  value: {{ printf "%s:8080" .Values.listenAddress | quote }}
- name: COUNTERSIGN__SERVER__OPERATOR_BIND
  value: {{ printf "%s:9090" .Values.listenAddress | quote }}
- name: COUNTERSIGN__SERVER__SHUTDOWN_TIMEOUT
  value: {{ printf "%ds" (int .Values.shutdown.timeoutSeconds) }}
{{- with .Values.trusted_proxies }}
- name: COUNTERSIGN__SERVER__TRUSTED_PROXIES
  value: {{ join "," . | quote }}
{{- end }}
{{- if include "countersign.tlsSecret" . }}
- name: COUNTERSIGN__SERVER__TLS__CERTIFICATE
  value: /etc/countersign/tls/tls.crt
- name: COUNTERSIGN__SERVER__TLS__KEY
  value: /etc/countersign/tls/tls.key
{{- end }}
{{- if include "countersign.shared" . }}
{{ include "countersign.storeEnvironment" (dict "name" "database" "store" .Values.database) }}
{{ include "countersign.storeEnvironment" (dict "name" "codes" "store" .Values.codes) }}
{{- if .Values.codes.sentinel.existingSecret }}
- name: COUNTERSIGN__CODES__SENTINEL_PASSWORD_FILE
  value: /etc/countersign/codes-sentinel/password
{{- end }}
{{- end }}
{{- if .Values.keyring.existingSecret }}
- name: COUNTERSIGN__KEYRING__FILE
  value: /etc/countersign/keyring/keyring.toml
{{- end }}
{{- if .Values.relay.existingSecret }}
- name: COUNTERSIGN__DELIVERY__RELAY__SECRET_FILE
  value: /etc/countersign/relay/secret
{{- end }}
{{- if .Values.delivery.proxy.existingSecret }}
- name: COUNTERSIGN__DELIVERY__PROXY_FILE
  value: /etc/countersign/delivery-proxy/url
{{- end }}
{{- if or .Values.delivery.ca.existingSecret .Values.delivery.ca.existingConfigMap }}
- name: COUNTERSIGN__DELIVERY__CA_FILE
  value: /etc/countersign/delivery-ca/ca.crt
{{- end }}
{{- if .Values.mail.existingSecret }}
- name: COUNTERSIGN__MAIL__PASSWORD_FILE
  value: /etc/countersign/mail/password
{{- end }}
{{- if or .Values.mail.ca.existingSecret .Values.mail.ca.existingConfigMap }}
- name: COUNTERSIGN__MAIL__CA_FILE
  value: /etc/countersign/mail-ca/ca.crt
{{- end }}
{{- if not .Values.portal.enabled }}
- name: COUNTERSIGN__SERVER__PORTAL
  value: "off"
{{- end }}
{{- with .Values.portal.host }}
- name: COUNTERSIGN__SERVER__PORTAL_URL
  value: https://{{ . }}
{{- end }}
{{- if .Values.portal.countries.existingClaim }}
- name: COUNTERSIGN__PORTAL__COUNTRIES
  value: /etc/countersign/portal-countries/{{ .Values.portal.countries.file }}
{{- end }}
{{- include "countersign.settings" (dict "prefix" "COUNTERSIGN" "settings" .Values.settings) }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/*
Volumes are written once, with their mounts beside them. The group of the pod reads them (0440):
the server refuses a key ring that all may read.
*/}}

{{/* One key of a Secret: (dict "name" "database" "secret" "..." "key" "url" "file" "url"). */}}
{{- define "countersign.secretVolume" -}}
- name: {{ .name }}
  secret:
    secretName: {{ .secret }}
    defaultMode: 0440
    items:
      - key: {{ .key | quote }}
        path: {{ .file }}
{{- end }}

{{- define "countersign.tlsVolume" -}}
- name: {{ .name }}
  secret:
    secretName: {{ .secret }}
    defaultMode: 0440
    items:
      - key: tls.crt
        path: tls.crt
      - key: tls.key
        path: tls.key
{{- end }}

{{/* (dict "name" "database-ca" "ca" .Values.database.ca) */}}
{{- define "countersign.caVolume" -}}
{{- if .ca.existingSecret }}
{{- include "countersign.secretVolume" (dict "name" .name "secret" .ca.existingSecret "key" .ca.key "file" "ca.crt") }}
{{- else -}}
- name: {{ .name }}
  configMap:
    name: {{ .ca.existingConfigMap }}
    items:
      - key: {{ .ca.key | quote }}
        path: ca.crt
{{- end }}
{{- end }}

{{/* The files of a store: (dict "name" "database" "store" .Values.database). Each begins with a line break. */}}
{{- define "countersign.storeVolumes" -}}
{{- if .store.existingSecret }}
{{- $url := dict "key" .store.key "file" "url" }}
{{- $password := dict "key" .store.passwordKey "file" "password" }}
{{ include "countersign.secretVolume" (merge (dict "name" .name "secret" .store.existingSecret) (empty .store.url | ternary $url $password)) }}
{{- end }}
{{- if or .store.ca.existingSecret .store.ca.existingConfigMap }}
{{ include "countersign.caVolume" (dict "name" (printf "%s-ca" .name) "ca" .store.ca) }}
{{- end }}
{{- with .store.clientCertificate.existingSecret }}
{{ include "countersign.tlsVolume" (dict "name" (printf "%s-client" $.name) "secret" .) }}
{{- end }}
{{- end }}

{{- define "countersign.storeMounts" -}}
{{- if .store.existingSecret }}
{{ include "countersign.mount" .name }}
{{- end }}
{{- if or .store.ca.existingSecret .store.ca.existingConfigMap }}
{{ include "countersign.mount" (printf "%s-ca" .name) }}
{{- end }}
{{- if .store.clientCertificate.existingSecret }}
{{ include "countersign.mount" (printf "%s-client" .name) }}
{{- end }}
{{- end }}

{{- define "countersign.mount" -}}
- name: {{ . }}
  mountPath: /etc/countersign/{{ . }}
  readOnly: true
{{- end }}

{{/* Of `serve` and of commands beside it. */}}
{{- define "countersign.volumes" -}}
- name: data
{{- if include "countersign.shared" . }}
  emptyDir:
    sizeLimit: 64Mi
{{- else }}
  persistentVolumeClaim:
    claimName: {{ .Values.persistence.existingClaim | default (printf "%s-data" (include "countersign.fullname" .)) }}
{{- end }}
{{- with include "countersign.tlsSecret" . }}
{{ include "countersign.tlsVolume" (dict "name" "tls" "secret" .) }}
{{- end }}
{{- if include "countersign.shared" . }}
{{- include "countersign.storeVolumes" (dict "name" "database" "store" .Values.database) }}
{{- include "countersign.storeVolumes" (dict "name" "codes" "store" .Values.codes) }}
{{- with .Values.codes.sentinel }}
{{- if .existingSecret }}
{{ include "countersign.secretVolume" (dict "name" "codes-sentinel" "secret" .existingSecret "key" .key "file" "password") }}
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.keyring.existingSecret }}
{{ include "countersign.secretVolume" (dict "name" "keyring" "secret" . "key" $.Values.keyring.key "file" "keyring.toml") }}
{{- end }}
{{- with .Values.relay.existingSecret }}
{{ include "countersign.secretVolume" (dict "name" "relay" "secret" . "key" $.Values.relay.key "file" "secret") }}
{{- end }}
{{- with .Values.delivery.proxy.existingSecret }}
{{ include "countersign.secretVolume" (dict "name" "delivery-proxy" "secret" . "key" $.Values.delivery.proxy.key "file" "url") }}
{{- end }}
{{- if or .Values.delivery.ca.existingSecret .Values.delivery.ca.existingConfigMap }}
{{ include "countersign.caVolume" (dict "name" "delivery-ca" "ca" .Values.delivery.ca) }}
{{- end }}
{{- with .Values.mail.existingSecret }}
{{ include "countersign.secretVolume" (dict "name" "mail" "secret" . "key" $.Values.mail.key "file" "password") }}
{{- end }}
{{- if or .Values.mail.ca.existingSecret .Values.mail.ca.existingConfigMap }}
{{ include "countersign.caVolume" (dict "name" "mail-ca" "ca" .Values.mail.ca) }}
{{- end }}
{{- with .Values.portal.countries.existingClaim }}
- name: portal-countries
  persistentVolumeClaim:
    claimName: {{ . }}
    readOnly: true
{{- end }}
{{- end }}

{{- define "countersign.mounts" -}}
- name: data
  mountPath: /data
{{- if include "countersign.tlsSecret" . }}
{{ include "countersign.mount" "tls" }}
{{- end }}
{{- if include "countersign.shared" . }}
{{- include "countersign.storeMounts" (dict "name" "database" "store" .Values.database) }}
{{- include "countersign.storeMounts" (dict "name" "codes" "store" .Values.codes) }}
{{- if .Values.codes.sentinel.existingSecret }}
{{ include "countersign.mount" "codes-sentinel" }}
{{- end }}
{{- end }}
{{- if .Values.keyring.existingSecret }}
{{ include "countersign.mount" "keyring" }}
{{- end }}
{{- if .Values.relay.existingSecret }}
{{ include "countersign.mount" "relay" }}
{{- end }}
{{- if .Values.delivery.proxy.existingSecret }}
{{ include "countersign.mount" "delivery-proxy" }}
{{- end }}
{{- if or .Values.delivery.ca.existingSecret .Values.delivery.ca.existingConfigMap }}
{{ include "countersign.mount" "delivery-ca" }}
{{- end }}
{{- if .Values.mail.existingSecret }}
{{ include "countersign.mount" "mail" }}
{{- end }}
{{- if or .Values.mail.ca.existingSecret .Values.mail.ca.existingConfigMap }}
{{ include "countersign.mount" "mail-ca" }}
{{- end }}
{{- if .Values.portal.countries.existingClaim }}
{{ include "countersign.mount" "portal-countries" }}
{{- end }}
{{- end }}
