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

{{/*
What the server itself calls when tenants name an address: public ones, and those that the operator allows.
The lists are those of crates/delivery/src/outbound/address.rs.
*/}}
{{- define "countersign.providerPeers" -}}
- ipBlock:
    cidr: 0.0.0.0/0
    except:
      - 0.0.0.0/8
      - 10.0.0.0/8
      - 100.64.0.0/10
      - 127.0.0.0/8
      - 168.63.129.16/32
      - 169.254.0.0/16
      - 172.16.0.0/12
      - 192.0.0.0/24
      - 192.0.2.0/24
      - 192.31.196.0/24
      - 192.88.99.0/24
      - 192.168.0.0/16
      - 198.18.0.0/15
      - 198.51.100.0/24
      - 203.0.113.0/24
      - 224.0.0.0/3
- ipBlock:
    cidr: 2000::/3
    except:
      - 2001::/23
      - 2001:db8::/32
      - 2002::/16
      - 3fff::/20
# NAT64: the same IPv4 addresses, as a network without IPv4 reaches them.
- ipBlock:
    cidr: 64:ff9b::/96
    except:
      - 64:ff9b::/104
      - 64:ff9b::a00:0/104
      - 64:ff9b::6440:0/106
      - 64:ff9b::7f00:0/104
      - 64:ff9b::a83f:8110/128
      - 64:ff9b::a9fe:0/112
      - 64:ff9b::ac10:0/108
      - 64:ff9b::c000:0/120
      - 64:ff9b::c000:200/120
      - 64:ff9b::c01f:c400/120
      - 64:ff9b::c058:6300/120
      - 64:ff9b::c0a8:0/112
      - 64:ff9b::c612:0/111
      - 64:ff9b::c633:6400/120
      - 64:ff9b::cb00:7100/120
      - 64:ff9b::e000:0/99
{{- range (.Values.settings.delivery | default dict).allowed_networks }}
- ipBlock:
    cidr: {{ contains "/" . | ternary . (printf "%s/%s" . (contains ":" . | ternary "128" "32")) }}
{{- end }}
{{- end }}
