#include "net/client/answer_reader.hpp"

#include "kallglot/base/text.hpp"
#include "net/client/wipe.hpp"

namespace kallglot {

namespace {

// Servers send one or two (100, 103). The request timeout would end an endless series only after seconds.
constexpr int max_interim_responses = 10;
// The API's errors are a few short fields. A larger body is the page of a proxy, and is not parsed.
constexpr std::size_t error_body_limit = 16 * 1024;

// Whether a Content-Type is JSON; its parameters do not matter.
bool is_json(std::string_view value) noexcept {
    std::string_view type = value.substr(0, value.find(';'));
    while (type.ends_with(' ') || type.ends_with('\t')) {
        type.remove_suffix(1);
    }
    constexpr std::string_view suffix = "+json";
    return ascii_iequals(type, "application/json") || ascii_iequals(type, "text/json")
           || (type.size() > suffix.size()
               && ascii_iequals(type.substr(type.size() - suffix.size()), suffix));
}

} // namespace

answer_reader::~answer_reader() {
    forget();
}

void answer_reader::forget() noexcept {
    // An error body may repeat what was sent.
    wipe(error_body_);
}

void answer_reader::start(const session_id& expected, std::size_t body_limit_bytes) {
    forget();
    // Readers are lent from one exchange to the next, so nothing of the last answer may stay.
    answer_ = api_answer();
    body_limit_ = body_limit_bytes;
    body_size_ = 0;
    status_ = 0;
    interim_responses_ = 0;
    overflow_ = false;
    // The parser checks the id as it reads, so a body of another session is never taken.
    session_.start(expected);
}

std::optional<errc> answer_reader::take_status(int status) noexcept {
    status_ = status;
    // 101 would change the protocol, which no request has asked for.
    if (status < 100 || status > 599 || status == 101) {
        return errc::malformed_response;
    }
    // Each interim response is followed by another one; a server could send them without end.
    if (interim() && ++interim_responses_ > max_interim_responses) {
        return errc::malformed_response;
    }
    return std::nullopt;
}

// The request asks for identity, and the session parser reads plain JSON only.
std::optional<errc> answer_reader::take_encoding(std::string_view value) const noexcept {
    return ascii_iequals(value, "identity") ? std::nullopt : std::optional(errc::encoded_response);
}

// A 200 of another type is a page of a proxy. Errors may have any type.
std::optional<errc> answer_reader::take_type(std::string_view value) const noexcept {
    return status_ != 200 || is_json(value) ? std::nullopt : std::optional(errc::foreign_content);
}

void answer_reader::take_field(std::string_view name, std::string_view value) noexcept {
    if (!interim()) {
        note_header(answer_.headers, name, value);
    }
}

std::optional<errc> answer_reader::take_body(std::string_view piece) noexcept {
    // Counted as it arrives, so that the limit holds for bodies without a length as well.
    body_size_ += piece.size();
    if (body_size_ > body_limit_) {
        return errc::response_too_large;
    }
    if (status_ == 200) {
        // finish() reports the error. Until then the rest is read and ignored, so that the connection can carry the
        // next request.
        static_cast<void>(session_.write(piece));
    } else if (error_body_.size() + piece.size() > error_body_limit) {
        // Not parsed: a part of it would be invalid JSON.
        overflow_ = true;
    } else {
        error_body_.append(piece);
    }
    return std::nullopt;
}

void answer_reader::finish() noexcept {
    if (status_ == 200) {
        const result<session_snapshot> snapshot = session_.finish();
        if (!snapshot) {
            answer_.error = snapshot.error();
            return;
        }
        answer_.snapshot = *snapshot;
    } else if (!overflow_) {
        answer_.problem = parse_api_error(error_body_);
    }
    // Only now: an answer with an error in its body has no status that anything may act on.
    answer_.http_status = status_;
}

// Values of a message that is in doubt are dropped.
void answer_reader::fail(errc fault) noexcept {
    answer_.error = fault;
    answer_.http_status = 0;
    answer_.snapshot = session_snapshot();
    answer_.problem = api_error();
}

} // namespace kallglot
