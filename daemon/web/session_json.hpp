/// The JSON of the session API: answers out of values, requests into values. Pure.

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

/// `{"error":{"code":..,"message":..}}`.
[[nodiscard]] http_response make_error_answer(int status,
                                              std::string_view code,
                                              std::string_view message);

/// An id that was not taken, and why: `invalid_id` or `limit`.
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

/// Reads `{"ids":[...]}`. Empty if it is not of that form or holds more than `most` ids.
[[nodiscard]] std::optional<bulk_request> parse_bulk(std::string_view body, std::size_t most);

/// Reads `status`, `older_than` (seconds or as `90s`), `limit`, `after` of a query string; empty if one of them
/// is unknown, repeated or bad.
[[nodiscard]] std::optional<session_query> parse_query(std::string_view query, std::size_t most);

/// `2026-04-14T09:30:00.000Z`.
[[nodiscard]] std::string format_timestamp(api_time time);

} // namespace kallglot

#endif
