#include "app/listener.hpp"

#include <string>
#include <utility>

namespace kallglot {

listener::listener(const loop_executor& loop,
                   std::string_view name,
                   const http_routes& routes,
                   const http_limits& limits,
                   clock& time,
                   worker& files,
                   logger& log,
                   file_follower::file_reader read)
    : name_(name),
      clock_(time),
      log_(log),
      // The server refers to the routes, so they may be filled after this.
      server_(loop, std::string(name), routes, limits, time, log),
      files_(time,
             files,
             log,
             "changed files of the " + std::string(name) + " listener not used",
             std::move(read)) {
    server_.on_handshake_failure(
        [this](std::string_view reason) { note_handshake_failure(reason); });
}

// Strangers decide how often this happens, so it is logged once a minute.
void listener::note_handshake_failure(std::string_view reason) {
    ++handshake_failures_;
    if (const auto count = handshake_log_.note(clock_.now())) {
        log_.warn("TLS handshakes failed: these clients cannot connect",
                  {{"listener", name_}, {"count", *count}, {"last_reason", reason}});
    }
}

void listener::use_tls(std::optional<tls_context> identity, file_group files) {
    not_after_ = identity ? identity->certificate_not_after() : 0;
    // By the wall clock, which clients use too. Not an error: a client that does not check may be all there is.
    const auto now = std::chrono::floor<seconds>(clock_.wall_now().time_since_epoch()).count();
    if (not_after_ != 0 && now > not_after_) {
        log_.warn(
            "listener certificate expired: clients that check it refuse the connection",
            {{"listener", name_}, {"not_after", format_timestamp(api_time(seconds(not_after_)))}});
    }
    // Open connections keep their certificate.
    // Before the identity moves: a change since it was read is found by the next check.
    files_.follow(std::move(files));
    server_.use_tls(std::move(identity));
}

std::optional<start_failure> listener::listen(const listen_address& address) {
    if (const error_code error = server_.listen(address)) {
        // Closes the addresses that are bound already, so that the loop runs out of work.
        // No connection exists yet. cut() only closes the sockets.
        server_.cut();
        return start_failure{"cannot listen on " + address.text + ": " + error.message(), 1};
    }
    return std::nullopt;
}

void listener::log_addresses() {
    for (const std::string& address : server_.addresses()) {
        log_.info("listening", {{"listener", name_}, {"address", address}});
    }
}

} // namespace kallglot
