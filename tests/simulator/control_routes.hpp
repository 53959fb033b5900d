// The control paths of the simulator, all under /_: the true state, the counters and the switches.
//
// They need no key and accept only connections from this machine.

#ifndef KALLGLOT_SIMULATOR_CONTROL_ROUTES_HPP
#define KALLGLOT_SIMULATOR_CONTROL_ROUTES_HPP

#include "simulator/api_state.hpp"
#include "simulator/http_answer.hpp"
#include "simulator/http_request.hpp"

#include <functional>
#include <string>
#include <vector>

namespace kallglot::simulator {

/// Whether a path is a control path.
[[nodiscard]] bool is_control_path(std::string_view path);

/// Handles the control paths. Loop only.
///
/// Lifetime:   the state must outlive it
class control_routes {
public:
    /// Called with the ids of sessions that a client has added.
    using ids_listener = std::function<void(const std::vector<std::string>&)>;

    control_routes(api_state& state, ids_listener on_added)
        : state_(state),
          on_added_(std::move(on_added)) {}

    /// Fills the empty answer `out`.
    void answer(const http_request& request, system_time now, http_answer& out);

private:
    struct reply;

    [[nodiscard]] reply truth(const http_request& request, system_time now) const;
    [[nodiscard]] reply truth_of_one(std::string_view id, system_time now) const;
    [[nodiscard]] reply truth_of_many(const http_request& request, system_time now) const;
    [[nodiscard]] reply stats(const http_request& request, system_time now);
    [[nodiscard]] reply faults(const http_request& request);
    [[nodiscard]] reply key(const http_request& request);
    [[nodiscard]] reply sessions(const http_request& request, system_time now);

    api_state& state_;
    ids_listener on_added_;
};

} // namespace kallglot::simulator

#endif
