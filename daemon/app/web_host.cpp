#include "app/web_host.hpp"

#include "kallglot/config/web_config.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace kallglot {

namespace {

/// A response without a body of its own: the reason phrase, and one header field.
http_response make_refusal(int status, std::string_view field, std::string_view value) {
    http_response refusal = make_text_response(status, reason_phrase(status));
    if (!field.empty()) {
        refusal.fields.emplace_back(field, value);
    }
    return refusal;
}

} // namespace

web_load_result load_web(const std::string& file) {
    // Defaults: plain HTTP, no users, no rate limit.
    if (file.empty()) {
        return loaded_web{};
    }
    // Before reading: a change while it is read is then found by the next check.
    file_group files({file});
    config::web_config_result read = config::load_web_config(file);
    if (auto* const faults = std::get_if<std::vector<config::config_fault>>(&read)) {
        return failed_web{std::move(*faults), std::move(files)};
    }
    loaded_web web{std::get<web_settings>(std::move(read)), std::nullopt, std::move(files)};
    if (web.values.tls) {
        const tls_server_options& tls = *web.values.tls;
        // Followed even if they are invalid, so that the daemon notices when they are replaced.
        web.files.add({tls.cert_file, tls.key_file, tls.client_ca_file});
        tls_result<tls_context> made = tls_context::make_server(tls);
        // The kind decides whether the follower reads again without a change.
        if (!made) {
            const auto kind = made.error().unreadable ? config::fault_kind::unavailable
                                                      : config::fault_kind::invalid;
            return failed_web{{{kind, file, 0, "tls_server_config", made.error().message}},
                              std::move(web.files)};
        }
        web.identity.emplace(std::move(*made));
    }
    return web;
}

web_host::web_host(const loop_executor& loop,
                   const http_routes& routes,
                   const http_limits& limits,
                   clock& time,
                   logger& log,
                   const session_api& api)
    : clock_(time),
      log_(log),
      api_(api),
      listener_(loop, "private", routes, limits, time, log, [this] { return read(); }),
      auth_(loop) {
    server().use_gate([this](const http_request* request) { return admit(request); });
}

void web_host::use(const std::string& file, loaded_web web) {
    // Together in one loop iteration, so that no request sees half of it.
    file_ = file;
    listener_.use_tls(std::move(web.identity), std::move(web.files));
    server().use_fields(std::move(web.values.headers));
    auth_.use(std::move(web.values.users));
    // A reload starts with a full bucket.
    rate_ = web.values.rate;
    tokens_ = rate_ ? static_cast<double>(rate_->burst) : 0;
    refilled_at_ = clock_.now();
}

std::optional<unusable_files> web_host::read() {
    web_load_result read = load_web(file_);
    if (auto* const failed = std::get_if<failed_web>(&read)) {
        unusable_files unusable{{}, std::move(failed->files)};
        // One unreadable file is enough to try again without a change.
        for (const config::config_fault& fault : failed->faults) {
            unusable.reasons.push_back(to_string(fault));
            unusable.is_final &= fault.kind == config::fault_kind::invalid;
        }
        return unusable;
    }
    use(file_, std::get<loaded_web>(std::move(read)));
    log_.info("web configuration reloaded", {{"file", file_}});
    return std::nullopt;
}

bool web_host::take_token() {
    // A token bucket: it fills at the configured rate, up to the burst, and each request takes one token.
    const steady_time now = clock_.now();
    const double earned = to_seconds(now - refilled_at_) / to_seconds(rate_->interval);
    tokens_ = std::min(tokens_ + earned, static_cast<double>(rate_->burst));
    refilled_at_ = now;
    if (tokens_ < 1) {
        return false;
    }
    tokens_ -= 1;
    return true;
}

task<std::optional<http_response>> web_host::admit(const http_request* request) {
    // Probes of orchestrators have no credentials.
    if (request->path == "/-/healthy" || request->path == "/-/ready") {
        co_return std::nullopt;
    }
    // Before the password check, which is expensive on purpose.
    if (rate_ && !take_token()) {
        co_return make_refusal(429, "", "");
    }
    // A request with a bearer token for the session API needs no user.
    if (!auth_.enabled() || api_.checks(*request)) {
        co_return api_.refusal(*request);
    }
    // bcrypt runs on a worker. Without a free slot the client retries in a second.
    const auth_outcome outcome = co_await auth_.check(request->field("Authorization"));
    switch (outcome) {
        case auth_outcome::allowed:
            break;
        case auth_outcome::busy:
            co_return make_refusal(503, "Retry-After", "1");
        case auth_outcome::refused:
            co_return make_refusal(401, "WWW-Authenticate", "Basic");
    }
    co_return std::nullopt;
}

} // namespace kallglot
