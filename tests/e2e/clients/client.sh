#!/bin/sh
# POSTs a body in each way that curl documents, and PUTs without one. Arguments: URL to POST to, URL to PUT to or "-", body, header
# fields. In the body WAY stands for the name of the way. Prints each way with its status.

set -eu
url=$1 put=$2 text=$3
shift 3
for field; do
    shift
    set -- "$@" -H "$field"
done
[ -z "${SSL_CERT_FILE:-}" ] || set -- "$@" --cacert "$SSL_CERT_FILE"

# ask <way> <URL> <header fields>... -- <words of curl>...: the body of the way is on stdin.
ask() {
    way=$1
    shift
    printf '%s ' "$way"
    printf '%s' "$text" | sed "s/WAY/$way/g" | curl -sS -o /dev/null -w '%{http_code}\n' "$@"
}

ask data "$@" --data-binary @- "$url"
ask json "$@" --json @- "$url"
ask upload "$@" -X POST -T - "$url"
ask expect "$@" -H 'Expect: 100-continue' --data-binary @- "$url"
ask upload_expect "$@" -H 'Expect: 100-continue' -X POST -T - "$url"
ask http2 "$@" --http2 --data-binary @- "$url"
ask http10 "$@" --http1.0 --data-binary @- "$url"
if [ "$put" != - ]; then
    ask put "$@" -X PUT "$(printf '%s' "$put" | sed 's/WAY/put/')"
    # An empty upload has no length.
    printf 'put_upload '
    curl -sS -o /dev/null -w '%{http_code}\n' "$@" -T - "$(printf '%s' "$put" | sed 's/WAY/put_upload/')" </dev/null
fi
