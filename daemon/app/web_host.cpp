#include "app/web_host.hpp"

#include "kallglot/config/web_config.hpp"
#include "kallglot/web/error_page.hpp"

#include <memory>
#include <utility>

namespace kallglot {

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
                   private_gate& gate,
                   clock& time,
                   worker& files,
                   logger& log)
    : log_(log),
      gate_(gate),
      listener_(loop, "private", routes, limits, time, files, log, [this] { return read(); }) {
    // The gate comes before any route, so a route cannot forget it.
    server().use_gate([this](const http_request* request) { return gate_.admit(request); });
    server().use_error_pages(make_error_page);
}

void web_host::use(const std::string& file, loaded_web web) {
    // Only a reload gets here with less: the operator asked for it, and may not know what is missing in the file.
    const web_protection next = web_protection::of(web.values);
    for (const std::string_view lost : lost_protection(protection_, next)) {
        log_.warn("private listener is less protected than before", {{"lost", lost}});
    }
    // Together in one loop iteration, so that no request sees half of it.
    protection_ = next;
    file_ = file;
    listener_.use_tls(std::move(web.identity), std::move(web.files));
    // The headers of the file, such as Strict-Transport-Security, on every response.
    server().use_fields(std::move(web.values.headers));
    gate_.use(std::move(web.values.users), web.values.rate);
}

file_follower::reading web_host::read() {
    return [this, file = file_]() -> file_follower::applier {
        const auto read = std::make_shared<web_load_result>(load_web(file));
        return [this, read] {
            // Shared because std::function needs what can be copied. It is called once, on the loop.
            return take(std::move(*read));
        };
    };
}

std::optional<unusable_files> web_host::take(web_load_result read) {
    if (auto* const failed = std::get_if<failed_web>(&read)) {
        unusable_files unusable{{}, std::move(failed->files)};
        // One unreadable file is enough to try again without a change.
        for (const config::config_fault& fault : failed->faults) {
            unusable.reasons.push_back(to_string(fault));
            unusable.is_final &= fault.kind == config::fault_kind::invalid;
        }
        return unusable;
    }
    auto& web = std::get<loaded_web>(read);
    // An emptied or half-written file is valid, but says less than the operator wrote.
    const auto lost = lost_protection(protection_, web_protection::of(web.values));
    if (!lost.empty()) {
        unusable_files unusable{{}, std::move(web.files)};
        for (const std::string_view what : lost) {
            unusable.reasons.push_back(file_ + " takes away " + std::string(what)
                                       + ": reload or restart to apply it");
        }
        return unusable;
    }
    use(file_, std::move(web));
    // After use(), so that the log never announces what did not happen.
    log_.info("web configuration reloaded", {{"file", file_}});
    return std::nullopt;
}

} // namespace kallglot
