#include "simulator/webhook_message.hpp"

#include "simulator/session_body.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

namespace kallglot::simulator {

namespace {

void append_hex(std::string& out, const unsigned char* bytes, std::size_t count) {
    constexpr std::string_view digits = "0123456789abcdef";
    for (std::size_t i = 0; i < count; ++i) {
        out += digits[bytes[i] >> 4U];
        out += digits[bytes[i] & 15U];
    }
}

std::int64_t seconds_of(system_time time) {
    return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

} // namespace

webhook_target parse_webhook_url(std::string_view url) {
    constexpr std::string_view scheme = "http://";
    webhook_target target;
    if (!url.starts_with(scheme)) {
        return target;
    }
    url.remove_prefix(scheme.size());
    const auto slash = std::min(url.find('/'), url.size());
    const std::string_view authority = url.substr(0, slash);
    const auto colon = authority.rfind(':');
    if (colon == std::string_view::npos || colon == 0 || colon + 1 == authority.size()) {
        return target;
    }
    target.host = authority.substr(0, colon);
    target.port = authority.substr(colon + 1);
    if (slash < url.size()) {
        target.path = url.substr(slash);
    }
    return target;
}

std::string webhook_body(const webhook_event& event, std::string_view session_id) {
    std::string body = R"({"id":"evt_)";
    body.append(session_id.substr(5)).append(1, "cse"[static_cast<std::size_t>(event.kind)]);
    body.append(R"(","type":")").append(to_text(event.kind));
    body += R"(","api_version":"v1","created_at":")";
    append_timestamp(body, event.at);
    body += R"(","data":)";
    append_session(body,
                   event.life,
                   event.at,
                   {session_id, to_text(status_at(event.life, event.at))});
    body += '}';
    return body;
}

std::string sign_webhook(std::string_view secret, std::string_view body, system_time sent) {
    const std::string moment = std::to_string(seconds_of(sent));
    const std::string text = moment + "." + std::string(body);
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    ::HMAC(::EVP_sha256(),
           secret.data(),
           static_cast<int>(secret.size()),
           reinterpret_cast<const unsigned char*>(text.data()),
           text.size(),
           digest.data(),
           &size);
    std::string signature = "t=" + moment + ",v1=";
    append_hex(signature, digest.data(), size);
    return signature;
}

std::chrono::milliseconds webhook_retry_delay(unsigned attempt, std::chrono::milliseconds first) {
    constexpr std::array<int, 7> times{1, 5, 30, 120, 300, 600, 1440};
    if (attempt == 0 || attempt > times.size()) {
        return {};
    }
    return first * times[attempt - 1];
}

} // namespace kallglot::simulator
