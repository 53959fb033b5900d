#include "net/client/request_text.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace kallglot {

namespace {

constexpr std::size_t max_key_size = 4096;

constexpr std::string_view method = "GET ";
// The place of `:path`, which differs between requests.
constexpr std::size_t path_field = 3;

} // namespace

request_text::request_text(const api_endpoint& endpoint,
                           std::string_view user_agent,
                           const secret& key) {
    assert(acceptable(key.reveal()));
    text_.append(method).append(endpoint.path_prefix).append("/sessions/");
    prefix_size_ = text_.size();

    // Reserved first: growing would leave a copy of the key in freed memory.
    suffix_.reserve(512 + endpoint.host_header.size() + user_agent.size() + key.reveal().size());
    // identity: the body is parsed as it arrives, without decompression.
    suffix_.append(" HTTP/1.1\r\nHost: ").append(endpoint.host_header);
    suffix_.append("\r\nUser-Agent: ").append(user_agent);
    suffix_.append("\r\nAccept: application/json\r\nAccept-Encoding: identity");
    // RFC 9111 section 5.2.1: no cache may answer from its store, or keep the answer.
    suffix_.append("\r\nCache-Control: no-cache, no-store");
    suffix_.append("\r\nAuthorization: Bearer ").append(key.reveal()).append("\r\n\r\n");
    // Room for the longest id, so that render() never allocates.
    text_.resize(prefix_size_ + session_id::max_size + suffix_.size());
    prepare_fields(endpoint.tls ? "https" : "http");
}

// Both versions of HTTP send the same fields, so they are read out of the text for HTTP/1.1.
void request_text::prepare_fields(std::string_view scheme) {
    const std::string_view text = suffix_;
    const auto value_of = [text](std::string_view name) {
        const std::size_t begin = text.find(name) + name.size();
        return text.substr(begin, text.find("\r\n", begin) - begin);
    };
    fields_ = {request_field{":method", "GET"},
               request_field{":scheme", scheme},
               request_field{":authority", value_of("\r\nHost: ")},
               request_field{":path", {}},
               request_field{"user-agent", value_of("\r\nUser-Agent: ")},
               request_field{"accept", value_of("\r\nAccept: ")},
               request_field{"accept-encoding", value_of("\r\nAccept-Encoding: ")},
               request_field{"cache-control", value_of("\r\nCache-Control: ")},
               request_field{"authorization", value_of("\r\nAuthorization: "), true}};
}

// Both texts contain the key.
request_text::~request_text() {
    ::explicit_bzero(text_.data(), text_.size());
    ::explicit_bzero(suffix_.data(), suffix_.size());
}

bool request_text::acceptable(std::string_view key) noexcept {
    // Visible ASCII only: a line end would begin another header, and no token has a space (RFC 6750 section 2.1).
    return !key.empty() && key.size() <= max_key_size
           && std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

std::span<const request_field> request_text::fields(const session_id& id) noexcept {
    const std::string_view name = id.view();
    std::memcpy(text_.data() + prefix_size_, name.data(), name.size());
    const std::string_view line(text_.data(), prefix_size_ + name.size());
    // Between the method and the version: the same bytes as in the line of HTTP/1.1.
    fields_[path_field].value = line.substr(method.size());
    return fields_;
}

std::string_view request_text::render(const session_id& id) noexcept {
    // Ids differ in length, so the suffix moves with each of them.
    char* const after_prefix = text_.data() + prefix_size_;
    const std::string_view name = id.view();
    std::memcpy(after_prefix, name.data(), name.size());
    std::memcpy(after_prefix + name.size(), suffix_.data(), suffix_.size());
    return {text_.data(), prefix_size_ + name.size() + suffix_.size()};
}

} // namespace kallglot
