{{/* Ports of a rule: (dict "ports" (list 53) "protocols" (list "UDP" "TCP")). */}}
{{- define "countersign.ports" -}}
{{- range $port := .ports }}
{{- range $.protocols | default (list "TCP") }}
- port: {{ int $port }}
  protocol: {{ . }}
{{- end }}
{{- end }}
{{- end }}

{{/* A rule to peers, or to any address if there are none: (dict "to" $peers "ports" $ports). */}}
{{- define "countersign.egress" -}}
- ports:
    {{- include "countersign.ports" . | trim | nindent 4 }}
  {{- with .to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{/* Pods of the release by component: (dict "root" $ "components" (list "api")). */}}
{{- define "countersign.pods" -}}
matchLabels:
  {{- include "countersign.releaseSelector" .root | nindent 2 }}
matchExpressions:
  - key: app.kubernetes.io/component
    operator: In
    values: [{{ join ", " .components }}]
{{- end }}

{{/* What the server itself calls when tenants name an address: public ones, and those that the operator allows. */}}
{{- define "countersign.providerPeers" -}}
- ipBlock:
    cidr: 0.0.0.0/0
    except:
      - 0.0.0.0/8
      - 10.0.0.0/8
      - 100.64.0.0/10
      - 127.0.0.0/8
      - 169.254.0.0/16
      - 172.16.0.0/12
      - 192.168.0.0/16
      - 224.0.0.0/3
- ipBlock:
    cidr: ::/0
    except:
      - ::/96
      - 64:ff9b::/96
      - fc00::/7
      - fe80::/10
      - ff00::/8
{{- range (.Values.settings.delivery | default dict).allowed_networks }}
- ipBlock:
    cidr: {{ contains "/" . | ternary . (printf "%s/%s" . (contains ":" . | ternary "128" "32")) }}
{{- end }}
{{- end }}
