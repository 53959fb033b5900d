#include "kallglot/web/error_page.hpp"

#include "kallglot/base/text.hpp"
#include "web/session_json.hpp"

#include <algorithm>
#include <string>

namespace kallglot {

http_response make_error_page(int status, std::string_view path) {
    const std::string_view phrase = reason_phrase(status);
    // Clients of the session API expect JSON, also for answers that none of its handlers gives. All others get a line
    // of text.
    if (!is_below(path, "/api/v1")) {
        return make_text_response(status, phrase);
    }
    // The code for programs is the phrase as one word, for example `method_not_allowed`.
    std::string code(phrase);
    std::ranges::transform(code, code.begin(), [](char c) {
        return c == ' ' ? '_' : ascii_lower(c);
    });
    return make_error_answer(status, code, phrase);
}

} // namespace kallglot
