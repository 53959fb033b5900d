#include "kallglot/runtime/webhook_host.hpp"

#include <utility>

namespace kallglot {

webhook_host::webhook_host(loop_executor loop,
                           const webhook_settings& values,
                           std::vector<secret> secrets,
                           session_intake& intake,
                           daemon_metrics& metrics,
                           clock& time,
                           logger& log)
    : settings_(values),
      log_(log) {
    if (!settings_.listen) {
        return;
    }
    metrics_ = std::make_unique<webhook_metrics>(metrics.registry());
    route_ = std::make_unique<webhook_route>(intake,
                                             *metrics_,
                                             time,
                                             std::move(secrets),
                                             settings_.tolerance);
    route_->install(routes_, settings_.path);
    http_limits limits;
    limits.body_bytes = settings_.max_body_size_bytes;
    limits.max_connections = settings_.max_connections;
    server_ = std::make_unique<http_server>(loop, "webhook", routes_, limits, time, log);
    server_->on_refusal([counts = metrics_.get()](int status) {
        if (status == 413) {
            counts->request(webhook_result::too_large);
        }
    });
}

webhook_host::~webhook_host() = default;

std::optional<followed_webhooks> webhook_host::followed() noexcept {
    if (!metrics_) {
        return std::nullopt;
    }
    return followed_webhooks{flow_, *metrics_};
}

std::optional<start_failure> webhook_host::listen() {
    if (!server_) {
        return std::nullopt;
    }
    if (!settings_.tls_cert_file.empty()) {
        return start_failure{"webhook.tls is not in this version: end TLS at a proxy in front", 2};
    }
    if (const error_code error = server_->listen(*settings_.listen)) {
        return start_failure{"cannot listen on " + settings_.listen->text + ": " + error.message(),
                             1};
    }
    log_.info("listening", {{"listener", "webhook"}, {"address", server_->addresses().front()}});
    return std::nullopt;
}

void webhook_host::finish() {
    if (server_) {
        server_->finish();
    }
}

void webhook_host::cut() {
    if (server_) {
        server_->cut();
    }
}

task<> webhook_host::join() {
    if (server_) {
        co_await server_->join();
    }
}

} // namespace kallglot
