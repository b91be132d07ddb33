{{/*
A Deployment and what belongs to it: the Service of its operator port, its autoscaler and its budget.
(dict "root" $ "component" "api" "values" .Values.api)
*/}}
{{- define "countersign.workload" -}}
{{- $root := .root }}
{{- $component := .component }}
{{- $values := .values }}
{{- $single := eq $root.Values.mode "single" }}
{{- $answers := ne $component "worker" }}
{{- $name := printf "%s-%s" (include "countersign.fullname" $root) $component }}
{{- $selector := include "countersign.selector" . }}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "countersign.metadata" (dict "root" $root "component" $component "name" $name) | nindent 2 }}
spec:
  {{- if $single }}
  replicas: 1
  {{- else if not $values.autoscaling.enabled }}
  replicas: {{ int $values.replicas }}
  {{- end }}
  revisionHistoryLimit: 5
  strategy:
    {{- if $single }}
    # Two processes cannot serve from one folder.
    type: Recreate
    {{- else }}
    type: RollingUpdate
    rollingUpdate:
      maxUnavailable: 0
      maxSurge: 25%
    {{- end }}
  selector:
    matchLabels:
      {{- $selector | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "countersign.podLabels" . | nindent 8 }}
        {{- with $values.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with $values.podAnnotations }}
      annotations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      {{- include "countersign.podBasics" (dict "root" $root "serviceAccount" (include "countersign.serviceAccount" $root)) | nindent 6 }}
      # The sleep before the stop, the stop, and time to spare.
      terminationGracePeriodSeconds: {{ add $root.Values.shutdown.preStopSeconds $root.Values.shutdown.timeoutSeconds 10 }}
      {{- with $values.priorityClassName }}
      priorityClassName: {{ . }}
      {{- end }}
      {{- with $values.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.affinity }}
      affinity:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- if $values.topologySpreadConstraints }}
      topologySpreadConstraints:
        {{- toYaml $values.topologySpreadConstraints | nindent 8 }}
      {{- else if not $single }}
      topologySpreadConstraints:
        {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
        - topologyKey: {{ . }}
          maxSkew: 1
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              {{- $selector | nindent 14 }}
          # Pods of the former version do not count.
          matchLabelKeys: [pod-template-hash]
        {{- end }}
      {{- end }}
      containers:
        - name: countersign
          {{- include "countersign.containerBasics" $root | nindent 10 }}
          args: [serve, --role, {{ $component }}]
          env:
            {{- include "countersign.environment" $root | nindent 12 }}
          ports:
            {{- if $answers }}
            - name: api
              containerPort: 8080
            {{- end }}
            - name: operator
              containerPort: 9090
          # A server that waits for its schema is alive, and not ready.
          startupProbe:
            httpGet:
              path: /health/live
              port: operator
            periodSeconds: 2
            timeoutSeconds: 3
            failureThreshold: 30
          livenessProbe:
            httpGet:
              path: /health/live
              port: operator
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 3
          # The server itself gives up after 2 s.
          readinessProbe:
            httpGet:
              path: /health/ready
              port: operator
            periodSeconds: 5
            timeoutSeconds: 3
            failureThreshold: 2
          {{- if gt (int $root.Values.shutdown.preStopSeconds) 0 }}
          lifecycle:
            preStop:
              sleep:
                seconds: {{ int $root.Values.shutdown.preStopSeconds }}
          {{- end }}
          resources:
            {{- toYaml $values.resources | nindent 12 }}
          volumeMounts:
            {{- include "countersign.mounts" $root | nindent 12 }}
      volumes:
        {{- include "countersign.volumes" $root | nindent 8 }}
---
# Apart from the Service of the API: a load balancer must not publish the metrics.
apiVersion: v1
kind: Service
metadata:
  {{- include "countersign.metadata" (dict "root" $root "component" $component "name" (printf "%s-operator" $name)) | nindent 2 }}
    countersign/port: operator
spec:
  clusterIP: None
  publishNotReadyAddresses: true
  selector:
    {{- $selector | nindent 4 }}
  ports:
    - name: operator
      port: 9090
      targetPort: operator
{{- if not $single }}
{{- $most := int $values.replicas }}
{{- if $values.autoscaling.enabled }}
{{- $most = int $values.autoscaling.maxReplicas }}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  {{- include "countersign.metadata" (dict "root" $root "component" $component "name" $name) | nindent 2 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ $name }}
  minReplicas: {{ int $values.autoscaling.minReplicas }}
  maxReplicas: {{ $most }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: {{ int $values.autoscaling.targetCPUUtilization }}
{{- end }}
{{- if and $values.podDisruptionBudget (gt $most 1) }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "countersign.metadata" (dict "root" $root "component" $component "name" $name) | nindent 2 }}
spec:
  maxUnavailable: 1
  # A pod that is not ready must not keep a node from being drained.
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- $selector | nindent 6 }}
{{- end }}
{{- end }}
{{- end }}
