{{- /* Names, labels, images and checks, as charts that many people install have them. */ -}}
{{- define "app.name" }}{{ .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}{{ end }}

{{- define "app.fullname" }}
  {{- $name := include "app.name" . }}
  {{- $joined := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) }}
  {{- coalesce .Values.fullnameOverride $joined | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "app.labels" }}
  {{- $labels := dict "helm.sh/chart" (printf "%s-%s" .Chart.Name (.Chart.Version | replace "+" "_")) }}
  {{- $labels := set $labels "app.kubernetes.io/name" (include "app.name" .) }}
  {{- range $key, $of := dict "instance" .Release.Name "managed-by" .Release.Service }}
    {{- $_ := set $labels (printf "app.kubernetes.io/%s" $key) $of }}
  {{- end }}
  {{- with .Chart.AppVersion }}{{ $_ := set $labels "app.kubernetes.io/version" . }}{{ end }}
  {{- template "lib.text" dict "of" (mergeOverwrite $labels (.Values.commonLabels | default dict | deepCopy)) "in" . }}
{{- end }}

{{- define "app.image" }}
  {{- $host := .Values.image.registry }}
  {{- with .Values.global }}{{ with .imageRegistry }}{{ $host = . }}{{ end }}{{ end }}
  {{- $mark := ":" }}{{ $last := toString .Values.image.tag }}
  {{- with .Values.image.digest }}{{ $mark = "@" }}{{ $last = . }}{{ end }}
  {{- list $host .Values.image.repository | compact | join "/" }}{{ $mark }}{{ $last }}
{{- end }}

{{- define "app.pullSecrets" }}
  {{- $names := list }}
  {{- range concat (.Values.global.imagePullSecrets | default list) .Values.image.pullSecrets }}
    {{- $names = append $names (tpl (ternary (get (ternary . dict (kindIs "map" .)) "name") . (kindIs "map" .) | toString) $) }}
  {{- end }}
  {{- with uniq $names }}
imagePullSecrets: {{ range . }}
  - name: {{ . }}{{ end }}
  {{- end }}
{{- end }}

{{- define "app.faults" }}
  {{- $found := list }}
  {{- $found := append $found (include "app.fault.replicas" .) }}
  {{- $found := append $found (include "app.fault.hosts" .) }}
  {{- with without $found "" }}{{ printf "%d fault(s):\n%s" (len .) (join "\n" .) | fail }}{{ end }}
{{- end }}
{{- define "app.fault.replicas" }}{{ if gt (int .Values.replicaCount) 10 }}replicaCount: too many{{ end }}{{ end }}
{{- define "app.fault.hosts" }}{{ if and .Values.ingress.enabled (not .Values.ingress.hosts) }}ingress.hosts: none{{ end }}{{ end }}

{{- define "app.ingress.apiVersion" }}
  {{- if .Capabilities.APIVersions.Has "networking.k8s.io/v1/Ingress" }}networking.k8s.io/v1
  {{- else if semverCompare ">=1.19-0" .Capabilities.KubeVersion.Version }}networking.k8s.io/v1
  {{- else if semverCompare "~1.18.0-0 || 1.14 - 1.17" (.Capabilities.KubeVersion.GitVersion | trimPrefix "v") }}networking.k8s.io/v1beta1
  {{- else }}extensions/v1beta1{{ end }}
{{- end }}

{{- define "app.ini" }}
  {{- $root := . }}
  {{- range $section, $content := .Values.ini }}
    {{- if kindIs "map" $content }}
[{{ $section }}]
      {{- range $key, $value := $content }}
{{ $key }} ={{ if kindIs "string" $value }} {{ tpl $value $root }}{{ else if not (kindIs "invalid" $value) }} {{ $value }}{{ end }}
      {{- end }}
    {{- end }}
  {{- end }}
{{- end }}

{{- define "app.flags" }}
  {{- range $flag, $value := .Values.flags }}
- --{{ $flag }}{{ if and (not (kindIs "bool" $value)) (not (empty $value)) }}={{ $value }}{{ end }}
  {{- end }}
{{- end }}
