#include "net/server/http_server_parser.hpp"

#include "kallglot/base/text.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include <algorithm>
#include <cassert>
#include <charconv>
#include <utility>

namespace kallglot {

namespace {

namespace http = boost::beast::http;
using head_parser = http::request_parser<http::empty_body>;

[[nodiscard]] std::string_view view(boost::beast::string_view text) noexcept {
    return {text.data(), text.size()};
}

// A line that begins with a blank continues the field before it. Beast joins them, other servers do not: ambiguous.
[[nodiscard]] bool has_folded_line(std::string_view head) noexcept {
    return head.find("\r\n ") != std::string_view::npos
           || head.find("\r\n\t") != std::string_view::npos;
}

// Each field costs memory beyond its bytes, and no client needs so many.
constexpr std::size_t max_fields = 100;

// Whether a complete head has more fields than that. Its other two lines are the request and the empty one.
[[nodiscard]] bool has_many_fields(std::string_view head) noexcept {
    return static_cast<std::size_t>(std::ranges::count(head, '\n')) > max_fields + 2;
}

// A method is a token (RFC 9110 section 5.6.2). TLS and other protocols begin with other bytes.
[[nodiscard]] bool may_begin_method(char first) noexcept {
    return first > ' ' && first <= '~'
           && std::string_view("\"(),/:;<=>?@[\\]{}").find(first) == std::string_view::npos;
}

// Checks framing and host: the status of the rejection, or 0 if they are valid.
[[nodiscard]] int check_fields(const http::fields& fields, unsigned version) {
    const std::size_t lengths = fields.count(http::field::content_length);
    const std::size_t codings = fields.count(http::field::transfer_encoding);
    if (codings != 0) {
        // Together with a length, twice or in HTTP/1.0 it is request smuggling.
        if (lengths != 0 || codings != 1 || version != 11) {
            return 400;
        }
        // Any other coding, and any other spelling of this one, is not supported.
        if (!ascii_iequals(fields[http::field::transfer_encoding], "chunked")) {
            return 501;
        }
    }
    // Signs and lists ("+5", "5, 5") are rejected, although some servers accept them.
    const auto length = fields[http::field::content_length];
    if (lengths > 1
        || (lengths == 1 && (length.empty() || !std::ranges::all_of(length, is_digit)))) {
        return 400;
    }
    // Exactly one Host since HTTP/1.1: two could be read differently by a proxy in front (RFC 9112 section 3.2).
    const std::size_t hosts = fields.count(http::field::host);
    return hosts > 1 || (hosts == 0 && version == 11) ? 400 : 0;
}

// The path of a target in origin form or absolute form, or the asterisk of OPTIONS; empty for any other target.
[[nodiscard]] std::string_view path_of(std::string_view method, std::string_view target) noexcept {
    // Only OPTIONS asks about the server as a whole (RFC 9112 section 3.2.4).
    if (target.starts_with('/') || (target == "*" && method == "OPTIONS")) {
        return target;
    }
    // Absolute form, as clients send it to proxies; servers must accept it (RFC 9112 section 3.2.2).
    const std::size_t scheme = std::min(target.find("://"), target.size());
    const std::string_view name = target.substr(0, scheme);
    if (!ascii_iequals(name, "http") && !ascii_iequals(name, "https")) {
        return {};
    }
    target.remove_prefix(std::min(scheme + 3, target.size()));
    const std::size_t authority = std::min(target.find_first_of("/?"), target.size());
    target.remove_prefix(authority);
    return target.starts_with('/') ? target : std::string_view(authority == 0 ? "" : "/");
}

// The path below a prefix; other paths as they are, since a proxy may have removed the prefix.
[[nodiscard]] std::string_view without_prefix(std::string_view path,
                                              std::string_view prefix) noexcept {
    if (prefix.empty() || !path.starts_with(prefix)) {
        return path;
    }
    const std::string_view rest = path.substr(prefix.size());
    // Below the prefix only: /metricsx is not below /metrics.
    return rest.empty() ? "/" : (rest.front() == '/' ? rest : path);
}

// The path in the request line of a head that is refused before it is parsed: `GET <path>?...`. Only for the form of the
// response. Empty if there is none.
[[nodiscard]] std::string_view path_of_line(std::string_view head) noexcept {
    const std::string_view line = head.substr(0, head.find_first_of("\r\n"));
    const std::size_t method = std::min(line.find(' '), line.size());
    const std::string_view target = line.substr(std::min(method + 1, line.size()));
    return target.starts_with('/') ? target.substr(0, target.find_first_of(" ?")) : "";
}

// The status of the rejection for an error of Beast.
[[nodiscard]] int status_of(const boost::system::error_code& error) noexcept {
    return error == http::error::header_limit ? 431 : 400;
}

} // namespace

http_server_parser::http_server_parser(const http_limits& limits, const http_client_place& client)
    : limits_(limits),
      client_(client) {}

http_server_parser::state http_server_parser::put(std::string_view bytes) {
    buffer_ += bytes;
    advance();
    return state_;
}

void http_server_parser::note_continue_sent() noexcept {
    assert(state_ == state::expect_continue);
    state_ = state::reading;
}

// Returns the request and begins the next one.
http_request http_server_parser::take() {
    assert(state_ == state::complete);
    http_request taken = std::exchange(request_, {});
    state_ = state::idle;
    in_body_ = false;
    // Bytes behind the request may already be a complete next one.
    advance();
    return taken;
}

// The body that follows is of no use, so the connection ends with the response.
http_request http_server_parser::take_head() {
    assert(head() != nullptr);
    http_request taken = std::exchange(request_, {});
    taken.keep_alive = false;
    taken.body.clear();
    in_body_ = false;
    // What arrives later is dropped: refused is a final state.
    buffer_.clear();
    state_ = state::refused;
    return taken;
}

// Parses as much of the buffer as possible.
void http_server_parser::advance() {
    if (state_ == state::complete || state_ == state::refused) {
        return;
    }
    if (!in_body_) {
        look_for_head();
    }
    if (in_body_ && state_ != state::refused) {
        read_body();
    }
}

// Searches the empty line that ends the head.
void http_server_parser::look_for_head() {
    // Empty lines before a request are ignored (RFC 9112 section 2.2).
    if (scanned_ == 0) {
        buffer_.erase(0, std::min(buffer_.find_first_not_of("\r\n"), buffer_.size()));
    }
    if (buffer_.empty()) {
        return;
    }
    state_ = state::reading;
    // At once: bytes of another protocol may never have an end of a line.
    if (!may_begin_method(buffer_.front())) {
        return refuse(400);
    }

    // A bare line feed is rejected at once: the end that Beast waits for would never come. `scanned_` makes sure that
    // each byte is checked once, even if the head arrives byte by byte.
    for (; scanned_ < buffer_.size(); ++scanned_) {
        if (buffer_[scanned_] != '\n') {
            continue;
        }
        if (scanned_ == 0 || buffer_[scanned_ - 1] != '\r') {
            return refuse(400);
        }
        if (scanned_ >= 3 && buffer_[scanned_ - 2] == '\n') {
            break;
        }
    }
    // Checked before the end is found, so that a head without an end cannot fill memory.
    const bool found = scanned_ < buffer_.size();
    const std::size_t size = found ? scanned_ + 1 : buffer_.size();
    if (size > limits_.header_bytes) {
        return refuse(431);
    }
    if (found) {
        read_head(std::string_view(buffer_).substr(0, size));
        buffer_.erase(0, size);
        scanned_ = 0;
    }
}

// Parses a complete head.
void http_server_parser::read_head(std::string_view head) {
    if (has_many_fields(head)) {
        return refuse(431);
    }
    // Obsolete line folding is rejected (RFC 9112 section 5.2).
    if (has_folded_line(head)) {
        return refuse(400);
    }
    head_parser parser;
    parser.header_limit(static_cast<std::uint32_t>(limits_.header_bytes));
    parser.body_limit(boost::none); // begin_body() checks it and responds with 413
    boost::system::error_code error;
    parser.put(boost::asio::buffer(head.data(), head.size()), error);
    // The head is complete, so a parser that wants more has met an error.
    if (!parser.is_header_done()) {
        return refuse(status_of(error));
    }

    const auto& message = parser.get();
    const std::string_view target = path_of(view(message.method_string()), view(message.target()));
    if (target.empty()) {
        return refuse(400);
    }

    // The query is split off here; handlers compare paths as texts.
    const std::size_t question = std::min(target.find('?'), target.size());
    request_.method = std::string(view(message.method_string()));
    request_.path = std::string(without_prefix(target.substr(0, question), prefix_));
    request_.query = std::string(target.substr(std::min(question + 1, target.size())));
    // After the path, which decides about the form of the response.
    if (const int status = check_fields(message, message.version()); status != 0) {
        return refuse(status);
    }
    // By Connection and the version (RFC 9112 section 9.3).
    request_.keep_alive = message.keep_alive();
    request_.is_http_1_0 = message.version() == 10;
    request_.client = client_;
    for (const auto& field : message) {
        request_.fields.emplace_back(view(field.name_string()), view(field.value()));
    }
    begin_body();
}

// The head is valid: decides about the body.
void http_server_parser::begin_body() {
    // check_fields() has made sure that there are only digits. A number out of range exceeds the limit too.
    const std::string_view length = request_.field("Content-Length");
    body_size_ = 0;
    const auto parsed = std::from_chars(length.data(), length.data() + length.size(), body_size_);
    if (parsed.ec == std::errc::result_out_of_range || body_size_ > limits_.body_bytes) {
        return refuse(413);
    }
    // check_fields() has accepted only one coding.
    chunks_.reset();
    if (!request_.field("Transfer-Encoding").empty()) {
        chunks_.emplace(limits_.body_bytes);
    }
    in_body_ = true;

    const std::string_view expectation = request_.field("Expect");
    // HTTP/1.0 clients do not understand 100 Continue (RFC 9110 section 10.1.1).
    if (expectation.empty() || request_.is_http_1_0) {
        return;
    }
    if (!ascii_iequals(expectation, "100-continue")) {
        return refuse(417);
    }
    // Without a body the client waits for nothing.
    if (body_size_ > 0 || chunks_) {
        state_ = state::expect_continue;
    }
}

// Completes the request once its whole body is in the buffer.
void http_server_parser::read_body() {
    if (chunks_) {
        return read_chunks();
    }
    if (buffer_.size() < body_size_) {
        return;
    }
    // Bytes behind the body belong to the next request. They move to a new buffer, so that an idle connection does not
    // hold the memory of its largest body.
    std::string rest = buffer_.substr(body_size_);
    buffer_.resize(body_size_);
    request_.body = std::exchange(buffer_, std::move(rest));
    state_ = state::complete;
}

// Moves the data of chunks from the buffer to the body.
void http_server_parser::read_chunks() {
    std::string_view rest = buffer_;
    const chunk_decoder::state outcome = chunks_->decode(rest, request_.body);
    buffer_.erase(0, buffer_.size() - rest.size());
    switch (outcome) {
        case chunk_decoder::state::reading:
            return;
        case chunk_decoder::state::complete:
            state_ = state::complete;
            return;
        case chunk_decoder::state::malformed:
            return refuse(400);
        case chunk_decoder::state::too_large:
            return refuse(413);
    }
}

// After a rejection the end of the request is unknown, so nothing behind it can be parsed.
void http_server_parser::refuse(int status) {
    refusal_ = status;
    if (request_.path.empty()) {
        request_.path = std::string(without_prefix(path_of_line(buffer_), prefix_));
    }
    state_ = state::refused;
}

} // namespace kallglot
