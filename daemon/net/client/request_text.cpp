#include "net/client/request_text.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace kallglot {

namespace {

constexpr std::size_t max_key_size = 4096;

} // namespace

request_text::request_text(const api_endpoint& endpoint,
                           std::string_view user_agent,
                           const secret& key) {
    assert(acceptable(key.reveal()));
    text_ = "GET " + endpoint.path_prefix + "/sessions/";
    prefix_size_ = text_.size();

    // Reserved first: growing would leave a copy of the key in freed memory.
    suffix_.reserve(512 + endpoint.host_header.size() + user_agent.size() + key.reveal().size());
    // identity: the body is parsed as it arrives, without decompression.
    suffix_.append(" HTTP/1.1\r\nHost: ").append(endpoint.host_header);
    suffix_.append("\r\nUser-Agent: ").append(user_agent);
    suffix_.append("\r\nAccept: application/json\r\nAccept-Encoding: identity");
    suffix_.append("\r\nAuthorization: Bearer ").append(key.reveal()).append("\r\n\r\n");
    // Room for the longest id, so that render() never allocates.
    text_.resize(prefix_size_ + session_id::max_size + suffix_.size());
}

// Both texts contain the key.
request_text::~request_text() {
    ::explicit_bzero(text_.data(), text_.size());
    ::explicit_bzero(suffix_.data(), suffix_.size());
}

bool request_text::acceptable(std::string_view key) noexcept {
    return !key.empty() && key.size() <= max_key_size
           && std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c < '\x7f'; });
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
