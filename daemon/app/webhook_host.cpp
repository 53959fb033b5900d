#include "app/webhook_host.hpp"

#include <utility>

namespace kallglot {

namespace {

http_limits limits_of(const webhook_settings& values) {
    // The other limits are the defaults of the server.
    http_limits limits;
    limits.body_bytes = values.max_body_size_bytes;
    limits.max_connections = values.max_connections;
    return limits;
}

} // namespace

tls_result<std::optional<tls_context>> make_webhook_identity(const webhook_settings& values) {
    if (!values.listen || values.tls_cert_file.empty()) {
        return std::optional<tls_context>();
    }
    tls_server_options options;
    options.cert_file = values.tls_cert_file;
    options.key_file = values.tls_key_file;
    tls_result<tls_context> made = tls_context::make_server(options);
    // The prefix names the section, since the log has no line number for it.
    if (!made) {
        return tls_load_error{"webhook.tls: " + made.error().message, made.error().unreadable};
    }
    return std::optional<tls_context>(std::move(*made));
}

file_group webhook_certificate_files(const webhook_settings& values) {
    return values.listen ? file_group({values.tls_cert_file, values.tls_key_file}) : file_group();
}

webhook_host::webhook_host(loop_executor loop,
                           const webhook_settings& values,
                           std::vector<secret> secrets,
                           session_intake& intake,
                           daemon_metrics& metrics,
                           clock& time,
                           logger& log)
    : settings_(values),
      log_(log) {
    // Without an address there are no metrics either: a series that stays 0 would be misleading.
    if (!settings_.listen) {
        return;
    }
    metrics_ = std::make_unique<webhook_metrics>(metrics.instruments());
    route_ = std::make_unique<webhook_route>(intake,
                                             *metrics_,
                                             time,
                                             std::move(secrets),
                                             settings_.tolerance);
    route_->install(routes_, settings_.path);
    listener_.emplace(loop, "webhook", routes_, limits_of(settings_), time, log, [this] {
        return read_certificate();
    });
    // The server rejects a body that is too large before the route sees the request.
    listener_->server().on_refusal([counts = metrics_.get()](int status) {
        if (status == 413) {
            counts->request(webhook_result::too_large);
        }
    });
}

webhook_host::~webhook_host() = default;

std::optional<start_failure> webhook_host::listen() {
    if (!listener_) {
        return std::nullopt;
    }
    // The files may have changed since the configuration was checked, so they are read again.
    file_group files = webhook_certificate_files(settings_);
    auto identity = make_webhook_identity(settings_);
    // An unreadable file may be there after a restart, an invalid one will not be valid (exit code 2).
    if (!identity) {
        return start_failure{identity.error().message, identity.error().unreadable ? 1 : 2};
    }
    listener_->use_tls(std::move(*identity), std::move(files));
    if (auto failure = listener_->listen(*settings_.listen)) {
        return failure;
    }
    // Port 0 is replaced by the port that was bound.
    listener_->log_addresses();
    return std::nullopt;
}

std::optional<unusable_files> webhook_host::read_certificate() {
    file_group files = webhook_certificate_files(settings_);
    auto identity = make_webhook_identity(settings_);
    if (!identity) {
        const tls_load_error& error = identity.error();
        return unusable_files{{error.message}, std::move(files), !error.unreadable};
    }
    listener_->use_tls(std::move(*identity), std::move(files));
    log_.info("webhook certificate reloaded", {{"not_after", certificate_not_after()}});
    return std::nullopt;
}

void webhook_host::reload(const webhook_settings& values,
                          std::vector<secret> secrets,
                          std::optional<tls_context> identity,
                          file_group files) {
    // A listener that a reload adds needs a restart.
    if (!listener_) {
        return;
    }
    // The old path responds with 404 from now on.
    if (values.path != settings_.path) {
        routes_ = http_routes();
        route_->install(routes_, values.path);
    }
    settings_ = values;
    route_->use_secrets(std::move(secrets), values.tolerance);
    // Both for new connections. Open connections finish with the old ones.
    listener_->server().use_limits(limits_of(values));
    listener_->use_tls(std::move(identity), std::move(files));
}

void webhook_host::use_max_connections(std::size_t connections) {
    settings_.max_connections = connections;
    if (listener_) {
        listener_->server().use_limits(limits_of(settings_));
    }
}

void webhook_host::finish() {
    // A certificate that changes during the stop is not worth a reload.
    if (listener_) {
        listener_->stop_following();
        listener_->server().finish();
    }
}

void webhook_host::cut() {
    if (listener_) {
        listener_->server().cut();
    }
}

task<> webhook_host::join() {
    if (listener_) {
        co_await listener_->server().join();
    }
}

} // namespace kallglot
