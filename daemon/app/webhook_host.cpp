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

// For load balancers, which cannot sign. The port may be public, so it says nothing else.
task<http_response> answer_healthy(http_request) {
    co_return make_text_response(200, "healthy");
}

} // namespace

tls_result<std::optional<tls_context>> make_webhook_identity(const webhook_settings& values) {
    // Without a certificate the listener speaks plain HTTP, for a proxy that terminates TLS.
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
                           worker& files,
                           logger& log)
    : settings_(values),
      clock_(time),
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
    // Before the listener, which refers to the routes: it must never serve an empty table.
    install_routes();
    // The function is called on the loop and returns one that runs on a worker; see file_follower.
    listener_.emplace(loop, "webhook", routes_, limits_of(settings_), time, files, log, [this] {
        return read_certificate();
    });
    // The route does not see these requests.
    listener_->server().on_refusal([this](int status) { note_refusal(status); });
}

webhook_host::~webhook_host() = default;

void webhook_host::note_refusal(int status) {
    switch (status) {
        case 401:
            return; // the route has counted it as a wrong signature
        case 413:
            metrics_->request(webhook_result::too_large);
            break;
        case 503:
            // There is no memory for the body now: the sender delivers it again.
            metrics_->request(webhook_result::overload);
            return;
        // The server refused the request before the route saw it: an unknown path, another method, a malformed head.
        default:
            metrics_->request(webhook_result::refused);
    }
    // A wrong path or a proxy in front that speaks otherwise is a mistake that the sender does not report. The path is not
    // logged: it comes from outside and may hold anything.
    if (const auto count = refusals_logged_.note(clock_.now())) {
        log_.warn("webhook requests rejected before their signature was checked",
                  {{"status", status}, {"reason", reason_phrase(status)}, {"count", *count}});
    }
}

std::optional<start_failure> webhook_host::listen(std::optional<tls_context> identity,
                                                  file_group files) {
    if (!listener_) {
        return std::nullopt;
    }
    // The files may have changed since they were read: the first check finds that.
    listener_->use_tls(std::move(identity), std::move(files));
    if (auto failure = listener_->listen(*settings_.listen)) {
        return failure;
    }
    // Port 0 is replaced by the port that was bound.
    listener_->log_addresses();
    return std::nullopt;
}

file_follower::reading webhook_host::read_certificate() {
    return [this, values = settings_]() -> file_follower::applier {
        file_group files = webhook_certificate_files(values);
        // On the worker. The settings are a copy, because a reload may change them on the loop.
        auto identity = make_webhook_identity(values);
        return [this, identity = std::move(identity), files = std::move(files)] {
            return take(identity, files);
        };
    };
}

std::optional<unusable_files> webhook_host::take(tls_result<std::optional<tls_context>> identity,
                                                 file_group files) {
    if (!identity) {
        const tls_load_error& error = identity.error();
        // A certificate that cannot be parsed stays so until it changes. One that cannot be read is tried again.
        return unusable_files{{error.message}, std::move(files), !error.unreadable};
    }
    listener_->use_tls(std::move(*identity), std::move(files));
    log_.info("webhook certificate reloaded",
              {{"not_after", format_timestamp(api_time(seconds(certificate_not_after())))}});
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
    const bool has_moved = values.path != settings_.path;
    settings_ = values;
    if (has_moved) {
        install_routes();
    }
    // All secrets at once, so that no delivery is checked against half of a rotation.
    route_->use_secrets(std::move(secrets), values.tolerance);
    // Both for new connections. Open connections finish with the old ones.
    listener_->server().use_limits(limits_of(values));
    listener_->use_tls(std::move(identity), std::move(files));
}

void webhook_host::install_routes() {
    // The path is an exact match, so the old one is removed with the table.
    routes_ = http_routes();
    routes_.add("GET", "/-/healthy", &answer_healthy);
    route_->install(routes_, settings_.path);
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
