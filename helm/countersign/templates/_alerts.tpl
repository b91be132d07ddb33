{{/*
The alerts, as a list. The server's own metrics are in docs/operations.md; `up` is Prometheus's, and
`kube_...` comes from kube-state-metrics. Without the latter, its half of an expression is silent.
*/}}
{{- define "countersign.alerts" -}}
{{- $name := include "countersign.fullname" . }}
{{- $namespace := .Release.Namespace }}
{{- $front := include "countersign.front" . }}
{{- $split := eq .Values.mode "split" }}
{{- $job := printf "namespace=%q,job=~%q" $namespace (printf "%s-(%s)-operator" $name ($split | ternary "api|worker" "all")) }}
{{- $pods := printf "kubectl -n %s get pods -l app.kubernetes.io/instance=%s" $namespace .Release.Name }}
{{- $log := printf "kubectl -n %s logs -l app.kubernetes.io/instance=%s --prefix --tail=-1" $namespace .Release.Name }}
- alert: CountersignDown
  expr: |-
    max(
      absent(up{namespace={{ quote $namespace }},job="{{ $name }}-{{ $front }}-operator"} == 1)
      or kube_deployment_status_replicas_available{namespace={{ quote $namespace }},deployment="{{ $name }}-{{ $front }}"} == 0
    )
  for: 3m
  labels:
    severity: critical
  annotations:
    summary: No pod of Countersign is ready to answer.
    description: >-
      Clients get no answer from the API. See which pods run: {{ $pods }}. A pod that restarts has written the
      reason in its last lines: {{ $log }} --previous. A pod that runs and is not ready waits for a store or for a
      migration, and its log says for which.
{{- if $split }}
- alert: CountersignWorkerAbsent
  expr: |-
    max(
      absent(up{namespace={{ quote $namespace }},job="{{ $name }}-worker-operator"} == 1)
      or kube_deployment_status_replicas_available{namespace={{ quote $namespace }},deployment="{{ $name }}-worker"} == 0
    )
  for: 3m
  labels:
    severity: critical
  annotations:
    summary: No worker of Countersign runs, so no message is sent.
    description: >-
      The API accepts starts, but their messages and the events of the history wait. See the pods and why they
      stopped: {{ $pods }},app.kubernetes.io/component=worker. If the Deployment was scaled to zero, scale it up.
{{- end }}
- alert: CountersignErrors
  expr: |-
    sum(rate(http_server_request_duration_seconds_count{ {{- $job }},status=~"5..",route!~"/health/.*"}[5m]))
      / sum(rate(http_server_request_duration_seconds_count{ {{- $job }},route!~"/health/.*"}[5m])) > 0.05
  for: 5m
  labels:
    severity: critical
  annotations:
    summary: More than 5 % of the requests fail with a status 5xx.
    description: >-
      {{ "Now it is {{ $value | humanizePercentage }}." }} The lines "request failed" in the log name the problem
      in "outcome" and its cause in "error": {{ $log }}. codes_unavailable: look at Redis (in the mode single, at
      the volume); if Redis answers, a pod may have another key ring than the others: compare them with the command
      "countersign keyring status". directory_unavailable: look at Postgres. history_backlog: the database has been
      away for too long. no_route: no route of a tenant leads to the number.
- alert: CountersignMessagesWait
  expr: |-
    max(countersign_messages_waiting{ {{- $job }}})
      / (sum(rate(countersign_messages_total{ {{- $job }},outcome="accepted"}[5m])) or vector(0)) > 60
  for: 3m
  labels:
    severity: critical
  annotations:
    summary: Messages wait for longer than a minute before a provider takes them.
    description: >-
      The number of waiting messages, divided by the messages that providers take per second, is the mean wait.
      {{ "It is {{ $value | humanizeDuration }}" }} (+Inf: no provider takes any). Look at the lines "a provider
      did not take a message" in the log of the {{ $split | ternary "worker" "pods" }}: {{ $log }}. If providers
      accept messages but too slowly, raise settings.delivery.parallel, or the rates of the accounts.
- alert: CountersignMessagesFail
  expr: |-
    sum(rate(countersign_messages_total{ {{- $job }},provider!="simulator",outcome!="accepted"}[10m]))
      / sum(rate(countersign_messages_total{ {{- $job }},provider!="simulator"}[10m])) > 0.5
    and sum(increase(countersign_messages_total{ {{- $job }},provider!="simulator",outcome!="accepted"}[10m])) >= 10
  for: 2m
  labels:
    severity: critical
  annotations:
    summary: Providers refuse more than half of the attempts to send a message.
    description: >-
      {{ "{{ $value | humanizePercentage }} of the attempts of the last 10 minutes failed." }} The lines "a provider
      did not take a message" in the log have the name of the provider and its reason: {{ $log }}. The name "none"
      means that no route of the tenant leads to the number. Look at the account at the provider: its balance, its
      credentials, its list of allowed addresses.
- alert: CountersignProviderLeftOut
  expr: |-
    sum by (provider) (
      increase(countersign_provider_breaker_total{ {{- $job }},state="open"}[15m]) > 0
      or (countersign_provider_breaker_total{ {{- $job }},state="open"}
        unless countersign_provider_breaker_total{ {{- $job }},state="open"} offset 15m)
    )
  labels:
    severity: warning
  annotations:
    summary: {{ "The provider {{ $labels.provider }} fails, and messages do not go to it for a while." | quote }}
    description: >-
      {{ "A breaker left {{ $labels.provider }} out in the last 15 minutes." }} If the routes name another provider,
      messages go there; else they wait. The log has the reason: {{ $log }}. The label is the name of an account of
      yours, or the kind of an account of a tenant. Look at the account at the provider, or lead the routes elsewhere.
- alert: CountersignHistoryLags
  expr: max(countersign_history_lag_seconds{ {{- $job }}}) > 300
  for: 5m
  labels:
    severity: warning
  annotations:
    summary: Events wait for longer than 5 minutes for the history.
    description: >-
      {{ "The oldest event is {{ $value | humanizeDuration }} old." }} Starts and checks continue, and nothing is lost
      until the waiting events (countersign_history_backlog_bytes) reach codes.event_budget; then starts get 503.
      Look at the database, its disk and its locks, and at the lines of the recorder in the log: {{ $log }}.
- alert: CountersignHistoryDead
  expr: |-
    sum(
      increase(countersign_history_dead_total{ {{- $job }}}[1h]) > 0
      or (countersign_history_dead_total{ {{- $job }}} > 0 unless countersign_history_dead_total{ {{- $job }}} offset 1h)
    )
  labels:
    severity: warning
  annotations:
    summary: Events could not be recorded and are in the table dead_events.
    description: >-
      The timelines of these verifications and the counts lack them. Read the column "reason" of dead_events. The
      reason "unreadable" after a step back to an older release: run the newer one again. There is no replay; report
      any other reason.
- alert: CountersignHistoryStrays
  expr: max(countersign_history_strays{ {{- $job }}}) > 0
  for: 10m
  labels:
    severity: warning
  annotations:
    summary: Rows of the history are in no week.
    description: >-
      {{ "{{ $value }} rows are in the default partitions of Postgres." }} The workers move such rows each minute, so
      they cannot do it, and the log has the reason: {{ $log }}. The clock of a node is wrong, or no worker could
      make weeks ahead for a month: the user of serve must own the tables, so migrate runs as the same user.
- alert: CountersignAuditHeadWrong
  expr: |-
    sum(
      increase(countersign_audit_heads_back_total{ {{- $job }}}[1h]) > 0
      or (countersign_audit_heads_back_total{ {{- $job }}} > 0 unless countersign_audit_heads_back_total{ {{- $job }}} offset 1h)
    )
  labels:
    severity: critical
  annotations:
    summary: The audit log of a tenant is not the one that the nodes saw before.
    description: >-
      The log names the tenant and the reason: {{ $log }}. If you put the database back to an earlier state, this is
      the gap. If nobody did, somebody changed the database: keep a copy of it, and run
      "countersign audit verify" with a head from the log of another day.
{{- if include "countersign.tlsSecret" . }}
- alert: CountersignCertificateEnds
  expr: min(countersign_certificate_expires_seconds{ {{- $job }}}) - time() < 7 * 86400
  for: 1h
  labels:
    severity: warning
  annotations:
    summary: The certificate of the API ends within 7 days.
    description: >-
      {{ "It ends in {{ $value | humanizeDuration }}." }} Renew the certificate in the Secret
      {{ include "countersign.tlsSecret" . }}; the pods take it over within minutes,
      without a restart. If cert-manager keeps it, look at the events of the Certificate.
- alert: CountersignCertificateRefused
  expr: |-
    increase(countersign_certificate_reload_failures_total{ {{- $job }}}[1h]) > 0
      unless changes(countersign_certificate_expires_seconds{ {{- $job }}}[1h]) > 0
  for: 5m
  labels:
    severity: warning
  annotations:
    summary: {{ "The pod {{ $labels.pod }} cannot serve the changed certificate, and serves the former one." | quote }}
    description: >-
      The new certificate and its key do not belong together, or one of them is not in PEM form. The log line "The
      new certificate cannot be served" has the reason: {{ $log }}. Mend the Secret before the former certificate ends.
{{- end }}
{{- end }}
