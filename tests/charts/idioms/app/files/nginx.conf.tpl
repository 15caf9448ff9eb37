server { listen {{ .Values.config.server.port }}; }
