#!/bin/sh
# Runs Alertmanager with what `.env` says of mail: THIDUA_ALERTS_TO gets all alerts by THIDUA_SMTP_HOST. Without one of
# the two it starts all the same, and says that no alert leaves this machine. Its file is made anew at each start.
#
# With ALERTMANAGER_ONLY_WRITE=FILE it writes the settings into that file, and starts nothing.
set -eu
umask 077

# A value as YAML: in single quotes, each of which is doubled inside.
quoted() {
    printf "'%s'" "$(printf '%s' "$1" | sed "s/'/''/g")"
}

sender=$(printf '%s' "${THIDUA_SENDER:-}" | sed 's/.*<\([^>]*\)>.*/\1/')
file=${ALERTMANAGER_ONLY_WRITE:-/tmp/alertmanager.yml}
{
    # The same alert again after half a day; what belongs together in one mail.
    cat <<'END'
route:
  receiver: operators
  group_by: [alertname]
  group_wait: 20s
  group_interval: 5m
  repeat_interval: 12h
receivers:
  - name: operators
END
    if [ -n "${THIDUA_SMTP_HOST:-}" ] && [ -n "${THIDUA_ALERTS_TO:-}" ]; then
        cat <<END
    email_configs:
      - to: $(quoted "$THIDUA_ALERTS_TO")
        from: $(quoted "${sender:-so-thi-dua@localhost}")
        smarthost: $(quoted "$THIDUA_SMTP_HOST:${THIDUA_SMTP_PORT:-587}")
        require_tls: $([ "${THIDUA_SMTP_STARTTLS:-yes}" = yes ] && echo true || echo false)
END
        if [ -n "${THIDUA_SMTP_USER:-}" ]; then
            cat <<END
        auth_username: $(quoted "$THIDUA_SMTP_USER")
        auth_password: $(quoted "${THIDUA_SMTP_PASSWORD:-}")
END
        fi
        cat <<END
        send_resolved: true
        html: ''
        headers:
          Subject: '{{ if eq .Status "firing" }}ALERT{{ else }}over{{ end }}: {{ .CommonLabels.alertname }} (Sổ Thi Đua)'
        text: |
          ${THIDUA_WEB_ADDRESS:-}/tinh-trang
          {{ range .Alerts }}
          {{ .Labels.severity }}, {{ .Status }}: {{ .Annotations.summary }}
          since {{ .StartsAt.UTC.Format "2006-01-02 15:04" }} UTC; what to do: {{ .Annotations.runbook_url }}
          {{ end }}
END
    else
        echo "alertmanager: THIDUA_SMTP_HOST or THIDUA_ALERTS_TO is not set: no alert leaves this machine" >&2
    fi
} >"$file"
[ -z "${ALERTMANAGER_ONLY_WRITE:-}" ] || exit 0
exec alertmanager --config.file="$file" --storage.path=/alertmanager --cluster.listen-address=
