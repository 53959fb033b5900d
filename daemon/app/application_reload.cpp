// What a reload does: everything that was read and found good takes the place of what was, in one turn of the loop.

#include "kallglot/app/application.hpp"

#include <utility>

namespace kallglot {

task<> application::reload() {
    systemd_.reloading();
    // The log and the metric say how it went.
    static_cast<void>(co_await config_.reload());
    if (reporter_.ready().ready) {
        systemd_.ready();
    }
}

std::optional<std::string> application::apply(prepared_config& next) {
    const settings& values = next.config.values;
    config::secret_values& secrets = next.config.secrets;
    // The same trust keeps its connections and their sessions.
    if (values.api.base_url == settings_.api.base_url && next.api_trust_files == api_trust_files_) {
        next.api_trust = client_.trust();
    }
    // First what can refuse.
    if (!client_.configure(values.api,
                           next.api_trust,
                           secrets.api_key,
                           "kallglot_exporter/" + std::string(options_.build.version))) {
        return "the API key cannot be put into a header";
    }
    gate_.budget().use_settings(budget_of(values.api));
    // A key that was refused is tried at once, whether or not it is another one.
    gate_.health().on_key_changed(clock_.now());
    key_watch_.use(values.api.key_file, secrets.api_key);

    ledger_.set_max_tracked(values.sessions.max_tracked);
    poller_.use_policy(values.poll, values.thresholds);
    poller_.use_idle_probe(values.api.idle_probe);
    reporter_.use(values);

    if (values.sessions.files != settings_.sessions.files) {
        files_.use_globs(values.sessions.files);
    }
    server_.use_limits(private_limits(next));
    session_api_.use_token(std::move(secrets.api_token));
    if (next.webhook_stays) {
        webhooks_.use_max_connections(values.webhook.max_connections);
    } else {
        webhooks_.reload(values.webhook,
                         std::move(secrets.webhook_secrets),
                         std::move(next.webhook_identity),
                         std::move(next.webhook_files));
    }
    web_.use(options_.source.web_file, std::move(next.web));
    api_trust_files_ = std::move(next.api_trust_files);
    settings_ = values;
    poller_.wake();
    return std::nullopt;
}

} // namespace kallglot
