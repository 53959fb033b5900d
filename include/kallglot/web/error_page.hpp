/// The response of an error that belongs to no handler: JSON below `/api/v1`, plain text elsewhere.
///
/// Its text is the standard phrase of the status: nothing of the request, so that nothing can be injected.

#ifndef KALLGLOT_WEB_ERROR_PAGE_HPP
#define KALLGLOT_WEB_ERROR_PAGE_HPP

#include "kallglot/net/server/http_server_types.hpp"

#include <string_view>

namespace kallglot {

/// `path` of the request; empty if it has none that is valid.
[[nodiscard]] http_response make_error_page(int status, std::string_view path);

} // namespace kallglot

#endif
