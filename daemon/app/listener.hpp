/// One HTTP listener of the daemon: its server, and the TLS files that it follows. The private port is one, webhooks are
/// another.
///
/// What its requests may do is its routes' and its gate's; where TLS comes from is its owner's.

#ifndef KALLGLOT_APP_LISTENER_HPP
#define KALLGLOT_APP_LISTENER_HPP

#include "app/file_follower.hpp"
#include "app/start_failure.hpp"
#include "kallglot/base/log_throttle.hpp"
#include "kallglot/net/server/http_server.hpp"
#include "kallglot/net/tls/tls_context.hpp"
#include "kallglot/ports/clock.hpp"
#include "kallglot/ports/gauge_sink.hpp"
#include "kallglot/ports/logger.hpp"
#include "kallglot/settings/settings.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace kallglot {

/// Loop only. Lifetime: routes, clock and logger outlive it; its server has been joined before it goes.
class listener {
public:
    /// `name`, a constant text, is the value of the label `listener` and of the log field. `read` reads the TLS files again and calls
    /// use_tls().
    listener(const loop_executor& loop,
             std::string_view name,
             const http_routes& routes,
             const http_limits& limits,
             clock& time,
             worker& files,
             logger& log,
             file_follower::file_reader read);

    [[nodiscard]] http_server& server() noexcept { return server_; }

    /// New connections use this certificate, or none. `files`, as they were before they were read, are followed from now
    /// on. An expired certificate is used, since clients may not check it, with a warning each time.
    void use_tls(std::optional<tls_context> identity, file_group files);

    /// Binds one more address.
    [[nodiscard]] std::optional<start_failure> listen(const listen_address& address);

    void log_addresses();

    void stop_following() { files_.stop(); }

    void report(gauge_sink& gauges) const {
        gauges.set(metric::tls_handshake_failures, name_, static_cast<double>(handshake_failures_));
        if (not_after_ != 0) {
            gauges.set(metric::web_certificate_not_after, name_, static_cast<double>(not_after_));
        }
    }

    /// Expiry of our certificate, Unix seconds; 0 without TLS.
    [[nodiscard]] std::int64_t certificate_not_after() const noexcept { return not_after_; }

private:
    void note_handshake_failure(std::string_view reason);

    std::string_view name_;
    clock& clock_;
    logger& log_;
    http_server server_;
    file_follower files_;
    std::int64_t not_after_ = 0;
    std::uint64_t handshake_failures_ = 0;
    log_throttle handshake_log_;
};

} // namespace kallglot

#endif
