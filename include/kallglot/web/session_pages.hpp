/// Routes of the pages about sessions: `/sessions`, `/sessions/{id}`, `/episodes`, `/runbooks`.
///
/// Plain HTML without scripts, behind the same gate as the other pages of the private listener. An answer repeats nothing of a
/// request but a checked id.

#ifndef KALLGLOT_WEB_SESSION_PAGES_HPP
#define KALLGLOT_WEB_SESSION_PAGES_HPP

#include "kallglot/async/task.hpp"
#include "kallglot/net/server/http_server_routes.hpp"
#include "kallglot/net/server/http_server_types.hpp"
#include "kallglot/ports/build_details.hpp"
#include "kallglot/ports/clock.hpp"
#include "kallglot/ports/session_intake.hpp"

#include <optional>
#include <string>

namespace kallglot {

/// Loop only. Lifetime: intake and clock outlive it; it outlives the server that uses its routes.
class session_pages {
public:
    /// `prefix` of all paths behind a proxy: empty, or begins with a slash.
    session_pages(session_intake& intake,
                  const clock& time,
                  const build_details& build,
                  std::string prefix);
    session_pages(const session_pages&) = delete;
    session_pages& operator=(const session_pages&) = delete;

    void install(http_routes& routes);

private:
    [[nodiscard]] task<http_response> find(http_request request);
    [[nodiscard]] task<http_response> show_session(http_request request);
    [[nodiscard]] task<http_response> show_episodes(http_request request);
    [[nodiscard]] task<http_response> show_runbooks(http_request request);

    /// Before the restore a tracked session would look unknown. `depth`: folders above the page.
    [[nodiscard]] std::optional<http_response> refuse(int depth) const;

    session_intake& intake_;
    const clock& clock_;
    steady_time started_;
    build_details build_;
    std::string prefix_;
};

} // namespace kallglot

#endif
