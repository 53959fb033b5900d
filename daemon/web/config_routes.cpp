#include "kallglot/web/config_routes.hpp"

#include <string>
#include <utility>

namespace kallglot {

void config_routes::install(http_routes& routes) {
    routes.add("GET", "/config", [this](http_request request) { return show(std::move(request)); });
    routes.add("POST", "/-/reload", [this](http_request request) {
        return reload(std::move(request));
    });
}

task<http_response> config_routes::show(http_request) {
    http_response response;
    response.fields.emplace_back("Cache-Control", "no-store");
    // Secrets are no part of the settings, so they cannot appear here.
    response.body = control_.effective();
    co_return response;
}

task<http_response> config_routes::reload(http_request) {
    // The route exists without the flag too, so that the operator learns which flag is missing.
    if (!may_reload_) {
        co_return make_text_response(403, "reload over HTTP requires --web.enable-lifecycle");
    }
    // One reload at a time; a second caller waits for its turn.
    const reload_outcome outcome = co_await control_.reload();
    std::string text = outcome.done ? "reloaded" : "reload failed: nothing changed";
    // One message a line: the changed keys, or every fault of the file.
    for (const std::string& message : outcome.messages) {
        text += '\n';
        text += message;
    }
    // As Prometheus answers a failed reload: the fault is in the file and not in the request.
    co_return make_text_response(outcome.done ? 200 : 500, text);
}

} // namespace kallglot
