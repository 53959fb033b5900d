/// The JSON of the session API: renders answers, parses requests. Pure.

#ifndef KALLGLOT_WEB_SESSION_JSON_HPP
#define KALLGLOT_WEB_SESSION_JSON_HPP

#include "kallglot/base/error.hpp"
#include "kallglot/net/server/http_server_types.hpp"
#include "kallglot/ports/session_intake.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kallglot {

[[nodiscard]] http_response make_session_answer(int status, const session_view& session);
[[nodiscard]] http_response make_page_answer(const session_page& page);
[[nodiscard]] http_response make_episodes_answer(const episode_page& page);

/// `{"error":{"code":..,"message":..}}`.
[[nodiscard]] http_response make_error_answer(int status,
                                              std::string_view code,
                                              std::string_view message);

/// A rejected id and the reason: `invalid_id` or `limit`.
struct rejected_id {
    std::string id; ///< cut at 128 bytes
    std::string_view reason;
};

[[nodiscard]] http_response make_bulk_answer(std::size_t added,
                                             std::size_t known,
                                             const std::vector<rejected_id>& rejected);

/// The body of a bulk call.
struct bulk_request {
    std::vector<session_id> ids;
    std::vector<rejected_id> rejected;
};

/// Parses `{"ids":[...]}`. Empty if the body has another form or more than `max_ids` ids.
[[nodiscard]] std::optional<bulk_request> parse_bulk(std::string_view body, std::size_t max_ids);

/// Parses the parameters `status`, `older_than` (seconds, `90` or `90s`), `limit` (up to `max_limit`) and `after` of a
/// query string. Empty if a parameter is unknown, repeated or invalid.
[[nodiscard]] std::optional<session_query> parse_query(std::string_view query,
                                                       std::size_t max_limit);

/// Likewise, the parameters `open` (true or false), `since` (a timestamp), `limit` and `after` (a number).
[[nodiscard]] std::optional<episode_query> parse_episode_query(std::string_view query,
                                                               std::size_t max_limit);

} // namespace kallglot

#endif
