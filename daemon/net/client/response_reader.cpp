#include "net/client/response_reader.hpp"

#include "net/client/http_response_parser.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>

#include <algorithm>
#include <cstring>
#include <exception>
#include <string_view>

namespace kallglot {

namespace {

constexpr int max_interim_responses = 10;
constexpr std::size_t header_limit_bytes = 8 * 1024;
constexpr std::size_t error_body_limit = 16 * 1024;
// Limit for an incomplete line: a header, or a chunk's size with its extensions.
constexpr std::size_t pending_limit = 16 * 1024;
// A reader that needed more memory than this returns it.
constexpr std::size_t max_idle_capacity = 4 * 1024;

// Responses contain stream tokens and phone numbers.
void wipe(std::string& text) {
    ::explicit_bzero(text.data(), text.size());
    text.clear();
    if (text.capacity() > max_idle_capacity) {
        text.shrink_to_fit();
    }
}

// Beast checks a status line when its end arrives; a peer of another protocol may never send one.
bool begins_like_http(std::span<const char> bytes) noexcept {
    constexpr std::string_view start = "HTTP/1.";
    const std::size_t size = std::min(start.size(), bytes.size());
    return std::string_view(bytes.data(), size) == start.substr(0, size);
}

// The errors of Beast that need a class of their own; every other one means a malformed response.
errc translate(const boost::beast::error_code& error) noexcept {
    if (error == boost::beast::http::error::header_limit) {
        return errc::header_too_large;
    }
    if (error == boost::beast::http::error::body_limit) {
        return errc::response_too_large;
    }
    return errc::malformed_response;
}

} // namespace

// Connects the parser, a new one for each message, to the reader of its body.
class response_reader::http final : public body_sink {
public:
    explicit http(response_reader& owner) : owner_(owner) {}

    void restart() { parser.emplace(owner_.answer_.headers, *this, owner_.body_limit_); }

    void on_body(int status, std::string_view piece) noexcept override {
        if (status == 200) {
            // finish() reports the error. Until then the rest is read and ignored, so that the connection can carry the
            // next request.
            static_cast<void>(owner_.session_.write(piece));
            return;
        }
        // A body over the limit is not parsed: a part of it would be invalid JSON.
        if (owner_.error_body_.size() + piece.size() > error_body_limit) {
            overflow = true;
        } else {
            owner_.error_body_.append(piece);
        }
    }

    // Set from start() on.
    std::optional<http_response_parser> parser;
    bool overflow = false;

private:
    response_reader& owner_;
};

response_reader::response_reader() : http_(std::make_unique<http>(*this)) {}

response_reader::~response_reader() {
    forget();
}

void response_reader::forget() noexcept {
    wipe(pending_);
    wipe(error_body_);
}

void response_reader::start(const session_id& expected, std::size_t body_limit_bytes) {
    forget();
    answer_ = api_answer();
    body_limit_ = body_limit_bytes;
    interim_responses_ = 0;
    complete_ = false;
    http_->overflow = false;
    session_.start(expected);
    restart_parser();
}

// For the first response and for each one behind an interim response.
void response_reader::restart_parser() {
    header_bytes_ = 0;
    http_->restart();
}

response_reader::progress response_reader::feed(std::span<const char> bytes) noexcept {
    if (complete_) {
        return bytes.empty() ? progress::complete : fail(errc::unsolicited_data);
    }
    // Beast's parser throws on some messages, and feed() promises a value.
    try {
        // The usual case: no copy, because the response arrives in one piece.
        if (pending_.empty()) {
            const progress made = consume(bytes);
            return made == progress::more ? keep_rest(bytes) : made;
        }
        // The incomplete line continues: it is parsed again together with the new bytes.
        pending_.append(bytes.data(), bytes.size());
        std::span<const char> all(pending_);
        const progress made = consume(all);
        if (made == progress::more) {
            // Wiped before it is removed: the bytes may belong to a body.
            const std::size_t used = pending_.size() - all.size();
            ::explicit_bzero(pending_.data(), used);
            pending_.erase(0, used);
            return keep_rest({});
        }
        return made;
    } catch (const std::exception&) {
        return fail(errc::malformed_response);
    }
}

// Feeds the parser until the bytes are used up, the response is complete or an error occurs. Removes from the front of
// `bytes` what the parser has taken.
response_reader::progress response_reader::consume(std::span<const char>& bytes) {
    while (!bytes.empty()) {
        boost::beast::error_code error;
        http_response_parser& parser = *http_->parser;
        // Counted here too, so that a header without an end is rejected at the limit.
        const bool in_header = !parser.is_header_done();
        if (!parser.got_some() && !begins_like_http(bytes)) {
            return fail(errc::malformed_response);
        }
        const std::size_t used =
            parser.put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
        bytes = bytes.subspan(used);
        if (in_header && !parser.is_header_done()) {
            header_bytes_ += used;
        }
        if (error == boost::beast::http::error::need_more) {
            const bool too_long = header_bytes_ + bytes.size() > header_limit_bytes;
            return !parser.is_header_done() && too_long ? fail(errc::header_too_large)
                                                        : progress::more;
        }
        if (error) {
            return fail(parser.fault().value_or(translate(error)));
        }
        if (!parser.is_done()) {
            // No progress: the parser needs more than there is, without saying so.
            if (used == 0) {
                return progress::more;
            }
            continue;
        }
        if (!parser.interim()) {
            // One request, one response: more bytes would count as the answer to the next request.
            if (!bytes.empty()) {
                return fail(errc::unsolicited_data);
            }
            conclude();
            return progress::complete;
        }
        // An interim response: the final one follows.
        if (++interim_responses_ > max_interim_responses) {
            return fail(errc::malformed_response);
        }
        restart_parser();
    }
    return progress::more;
}

// Stores the beginning of an incomplete line for the next call.
response_reader::progress response_reader::keep_rest(std::span<const char> bytes) {
    pending_.append(bytes.data(), bytes.size());
    return pending_.size() <= pending_limit ? progress::more : fail(errc::malformed_response);
}

// Ends the response with an error; later calls of feed() are errors too.
response_reader::progress response_reader::fail(errc fault) noexcept {
    // Values of a message that is in doubt are dropped; its headers stay for the caller.
    complete_ = true;
    answer_.error = fault;
    answer_.http_status = 0;
    answer_.snapshot = session_snapshot();
    return progress::failed;
}

// The response is complete: takes the session or the API's error out of its body.
void response_reader::conclude() noexcept {
    complete_ = true;
    const int status = http_->parser->status();
    if (status == 200) {
        const result<session_snapshot> snapshot = session_.finish();
        if (!snapshot) {
            answer_.error = snapshot.error();
            return;
        }
        answer_.snapshot = *snapshot;
    } else if (!http_->overflow) {
        answer_.problem = parse_api_error(error_body_);
    }
    answer_.http_status = status;
}

bool response_reader::reusable() const noexcept {
    // An answer about another session means that requests and answers no longer match on this connection.
    return answer_.error != errc::wrong_session && http_->parser && http_->parser->is_done()
           && http_->parser->keep_alive();
}

std::optional<seconds> response_reader::keep_alive_timeout() const noexcept {
    return http_->parser ? http_->parser->keep_alive_timeout() : std::nullopt;
}

} // namespace kallglot
