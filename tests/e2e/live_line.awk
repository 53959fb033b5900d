# The live line of `./dev demo`, from two scrapes: awk -v seconds=1.0 -f live_line.awk earlier now
#
# Rates and the 99th percentile are of the time between the two; with an empty first file, of all time.

function label(name,    at) {
    at = match($0, name "=\"[^\"]*\"")
    return at ? substr($0, at + length(name) + 2, RLENGTH - length(name) - 3) : ""
}

BEGIN { order = split("created connecting active ending ended unknown", statuses, " "); lowest = -1 }

FILENAME == ARGV[1] { sign = -1 }
FILENAME == ARGV[2] { sign = 1 }

/^kallglot_exporter_polls_total\{/ { polls += sign * $NF }
/^kallglot_exporter_api_request_duration_seconds_bucket\{/ {
    le = label("le")
    if (!(le in bucket)) { bounds[++buckets] = le }
    bucket[le] += sign * $NF
}

sign < 0 { next }

/^kallglot_sessions\{/ { count[label("status")] = $NF; tracked += $NF }
/^kallglot_up / { up = $NF }
# Stuck is what has been confirmed past the lowest threshold.
/^kallglot_sessions_over_threshold\{/ && label("status") == "connecting" {
    threshold = label("threshold_seconds") + 0
    if (lowest < 0 || threshold < lowest) { lowest = threshold; stuck = $NF }
}

# The percentile lies in the first bucket that holds 99 % of the requests; straight within it, as Prometheus does.
function percentile(share,    i, rank, below, from) {
    rank = share * bucket["+Inf"]
    for (i = 1; i <= buckets; i++) {
        if (bucket[bounds[i]] >= rank) {
            from = i > 1 ? bounds[i - 1] : 0
            below = i > 1 ? bucket[bounds[i - 1]] : 0
            if (bounds[i] == "+Inf") { return ">" from * 1000 }
            return sprintf("%.0f", 1000 * (from + (bounds[i] - from) * (rank - below) / (bucket[bounds[i]] - below)))
        }
    }
}

END {
    line = "tracked " tracked + 0
    for (i = 1; i <= order; i++) {
        if (count[statuses[i]] > 0) { line = line "  " statuses[i] " " count[statuses[i]] }
    }
    line = line "  | stuck " stuck + 0 "  | " sprintf("%.0f", seconds > 0 ? polls / seconds : 0) " polls/s  | p99 "
    line = line (bucket["+Inf"] > 0 ? percentile(0.99) " ms" : "-") (up == "1" ? "" : "  | API not usable")
    print line
}
