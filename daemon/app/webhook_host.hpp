/// The webhook listener, which may be public. It exists only if the configuration names an address for it.

#ifndef KALLGLOT_APP_WEBHOOK_HOST_HPP
#define KALLGLOT_APP_WEBHOOK_HOST_HPP

#include "app/listener.hpp"
#include "kallglot/async/task.hpp"
#include "kallglot/base/log_throttle.hpp"
#include "kallglot/metrics/daemon_metrics.hpp"
#include "kallglot/metrics/webhook_metrics.hpp"
#include "kallglot/net/server/http_server.hpp"
#include "kallglot/net/tls/tls_context.hpp"
#include "kallglot/ports/clock.hpp"
#include "kallglot/ports/logger.hpp"
#include "kallglot/ports/session_intake.hpp"
#include "kallglot/settings/secret.hpp"
#include "kallglot/settings/settings.hpp"
#include "kallglot/web/webhook_route.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace kallglot {

/// The certificate of `webhook.tls`; empty without one. Blocking: reads the files.
[[nodiscard]] tls_result<std::optional<tls_context>> make_webhook_identity(
    const webhook_settings& values);

/// The state of the files that make_webhook_identity() reads. Call it before that.
[[nodiscard]] file_group webhook_certificate_files(const webhook_settings& values);

/// Loop only. Lifetime: all references outlive it; destroyed after join() has ended.
class webhook_host {
public:
    webhook_host(loop_executor loop,
                 const webhook_settings& values,
                 std::vector<secret> secrets,
                 session_intake& intake,
                 daemon_metrics& metrics,
                 clock& time,
                 worker& files,
                 logger& log);
    ~webhook_host();

    [[nodiscard]] bool enabled() const noexcept { return listener_.has_value(); }

    /// `missed`: starts and ends that no webhook reported, in total.
    void report(gauge_sink& gauges, std::uint64_t missed) {
        if (listener_) {
            metrics_->missed(missed);
            metrics_->report(gauges);
            listener_->report(gauges);
        }
    }

    /// Expiry of our certificate, Unix seconds; 0 without TLS.
    [[nodiscard]] std::int64_t certificate_not_after() const noexcept {
        return listener_ ? listener_->certificate_not_after() : 0;
    }

    /// Binds and accepts connections, over TLS if there is a certificate; `files` is the state of its files before they
    /// were read. It is read again when they change. Empty on success, and if webhooks are off.
    [[nodiscard]] std::optional<start_failure> listen(std::optional<tls_context> identity,
                                                      file_group files);

    /// Applies the settings of a reload; the address stays. `identity` comes from make_webhook_identity(), `files` is the
    /// state of its files.
    void reload(const webhook_settings& values,
                std::vector<secret> secrets,
                std::optional<tls_context> identity,
                file_group files);

    /// While memory is short the listener accepts less (http_server::hold_off).
    void hold_off(bool is_short) noexcept {
        if (listener_) {
            listener_->server().hold_off(is_short);
        }
    }

    /// Changes only this limit, for a listener that is not configured any more.
    void use_max_connections(std::size_t connections);

    void finish();
    void cut();
    [[nodiscard]] task<> join();

private:
    void install_routes();
    [[nodiscard]] file_follower::reading read_certificate();
    [[nodiscard]] std::optional<unusable_files> take(
        tls_result<std::optional<tls_context>> identity,
        file_group files);

    void note_refusal(int status);

    webhook_settings settings_;
    const clock& clock_;
    logger& log_;
    std::unique_ptr<webhook_metrics> metrics_;
    std::unique_ptr<webhook_route> route_;
    http_routes routes_;
    log_throttle refusals_logged_;
    std::optional<listener> listener_; ///< empty: webhooks are off
};

} // namespace kallglot

#endif
