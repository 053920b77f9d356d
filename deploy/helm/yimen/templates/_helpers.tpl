{{/* DNS name of the service: means_test is means-test, as its peers look for it. */}}
{{- define "yimen.name" -}}{{ .Values.service.name | replace "_" "-" }}{{- end }}

{{- define "yimen.selector" -}}
app.kubernetes.io/name: yimen
yimen/service: {{ include "yimen.name" . }}
{{- end }}

{{- define "yimen.labels" -}}
{{ include "yimen.selector" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "yimen.image" -}}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{- end }}

{{- define "yimen.environment" -}}
- {name: YIMEN_DATABASE_URL, valueFrom: {secretKeyRef: {name: {{ .Values.database.secret.name }}, key: {{ .Values.database.secret.key }}}}}
- {name: YIMEN_AMQP_URL, valueFrom: {secretKeyRef: {name: {{ .Values.broker.secret.name }}, key: {{ .Values.broker.secret.key }}}}}
- {name: YIMEN_KEYS, value: /keys}
{{- if .Values.service.usesBank }}
- {name: YIMEN_BANK, value: {{ required "service.usesBank needs bank.address" .Values.bank.address | quote }}}
{{- end }}
{{- if .Values.service.usesExchange }}
- {name: YIMEN_EXCHANGE_URL, value: {{ required "service.usesExchange needs exchange.url" .Values.exchange.url | quote }}}
{{- end }}
{{- with .Values.telemetry.endpoint }}
- {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ . | quote }}}
{{- end }}
{{- end }}

{{- define "yimen.pod" -}}
serviceAccountName: {{ include "yimen.name" . }}
automountServiceAccountToken: false
securityContext: {runAsNonRoot: true, runAsUser: 10001, runAsGroup: 10001, fsGroup: 10001, seccompProfile: {type: RuntimeDefault}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
volumes:
  - {name: keys, secret: {secretName: {{ .Values.keys.secret }}, defaultMode: 288}}
  - {name: tmp, emptyDir: {}}
{{- end }}

{{- define "yimen.container" -}}
image: {{ include "yimen.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
volumeMounts:
  - {name: keys, mountPath: /keys, readOnly: true}
  - {name: tmp, mountPath: /tmp}
{{- end }}
