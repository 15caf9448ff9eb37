{{- define "lib.text" }}
  {{- $text := .of }}
  {{- if not (typeIs "string" $text) }}{{ $text = toYaml $text }}{{ end }}
  {{- if contains "{{" $text }}{{ tpl $text .in }}{{ else }}{{ $text }}{{ end }}
{{- end }}

{{- define "lib.at" }}
  {{- $here := .in.Values }}
  {{- range .path | splitList "." }}
    {{- if not (kindIs "map" $here) }}{{ fail (printf "nothing at %q" $.path) }}{{ end }}
    {{- $here = index $here . }}
  {{- end }}
  {{- $here | default "" | print }}
{{- end }}

{{- define "lib.merged" }}
  {{- $made := dict }}
  {{- range .of }}{{ $made = merge $made (include "lib.text" (dict "of" . "in" $.in) | fromYaml) }}{{ end }}
  {{- toYaml $made }}
{{- end }}

{{- define "lib.over" }}
  {{- $own := include (last .) (first .) | fromYaml }}
  {{- $base := include "lib.base" (first .) | fromYaml }}
  {{- mergeOverwrite $base $own | toYaml }}
{{- end }}
{{- define "lib.base" }}
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ .Chart.Name }}-{{ .Release.Name }}"}
data: {}
{{- end }}
