#include "simulator/session_body.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace kallglot::simulator {

namespace {

constexpr std::array<std::string_view, 4> modes{"bidirectional_translation",
                                                "assistive_translation",
                                                "ai_agent",
                                                "help_chat_voice"};
// One session in eight has no provider.
constexpr std::array<std::string_view, 8>
    providers{"twilio", "twilio", "twilio", "twilio", "telnyx", "telnyx", "sip", ""};
constexpr std::array<std::string_view, 8> languages{"de", "es", "fr", "pl", "tr", "uk", "ar", "pt"};
constexpr std::array<std::string_view, 8> end_reasons{"completed",
                                                      "completed",
                                                      "completed",
                                                      "customer_hangup",
                                                      "customer_hangup",
                                                      "agent_hangup",
                                                      "timeout",
                                                      "error"};

// Each use takes different bits of the draw.
std::uint64_t bits(const session_life& life, unsigned shift, std::uint64_t bound) {
    return (life.draw >> shift) % bound;
}

void append_tenths(std::string& out, std::chrono::milliseconds time) {
    const auto tenths = static_cast<std::uint64_t>(time.count() / 100);
    append_number(out, tenths / 10);
    out += '.';
    append_number(out, tenths % 10);
}

// Numbers of +1202555 are reserved for examples.
void append_phone_number(std::string& out, const session_life& life) {
    out += "+12025550";
    append_number(out, 100 + bits(life, 20, 100));
}

void append_call_id(std::string& out, const session_life& life) {
    constexpr std::string_view digits = "0123456789abcdef";
    out += "CACANARY";
    std::uint64_t word = life.draw;
    for (int place = 0; place < 26; ++place) {
        out += digits[word & 15U];
        word = (word >> 4U) | (word << 60U);
    }
}

void append_moment(std::string& out, std::string_view name, system_time time, system_time now) {
    out.append(",\"").append(name).append("\":");
    if (time > now) {
        out += "null";
        return;
    }
    out += '"';
    append_timestamp(out, time);
    out += '"';
}

void append_moments(std::string& out, const session_life& life, system_time now) {
    append_moment(out, "created_at", life.created_at, std::max(now, life.created_at));
    append_moment(out, "started_at", life.started_at, now);
    append_moment(out, "ended_at", life.ended_at, now);
}

void append_stream(std::string& out,
                   std::string_view host,
                   std::string_view id,
                   const session_life& life) {
    out.append(",\"stream\":{\"url\":\"wss://").append(host).append("/v1/sessions/").append(id);
    out.append("/connect\",\"token\":\"kst_live_CANARY").append(id.substr(5));
    out += "\",\"expires_at\":\"";
    append_timestamp(out, life.created_at + std::chrono::hours{1});
    out += "\"}";
}

void append_metadata(std::string& out, const session_life& life) {
    out += R"(,"metadata":{"customer_id":"cust_CANARY)";
    append_number(out, bits(life, 24, 100'000));
    out += R"(","caller_id":")";
    append_phone_number(out, life);
    out += R"(","note":"CANARY said at the \"returns\" desk: call me \u00e0 18h")";
    out += R"(,"tags":["vip",7,{"depth":[true,null]}]})";
}

std::chrono::milliseconds call_length(const session_life& life, system_time now) {
    if (now < life.started_at) {
        return std::chrono::milliseconds{0};
    }
    return std::min(now, life.ending_at) - life.started_at;
}

void append_first_provider(std::string& out,
                           const session_life& life,
                           system_time now,
                           body_words words) {
    const std::string_view type = words.provider.empty() ? provider_of(life) : words.provider;
    if (type.empty()) {
        return;
    }
    const bool connected = now >= life.started_at;
    const bool over = now >= life.ended_at;
    out.append(R"(,"provider":{"type":")").append(type).append(R"(","phone_number":")");
    append_phone_number(out, life);
    out += R"(","status":")";
    out += over ? "disconnected" : (connected ? "connected" : "pending");
    out += '"';
    if (connected && type == "twilio") {
        out += R"(,"call_sid":")";
        append_call_id(out, life);
        out += '"';
    }
    out += '}';
}

void append_recording(std::string& out, const session_life& life, system_time now) {
    const bool enabled = bits(life, 13, 3) != 0;
    out += enabled ? R"(,"recording":{"enabled":true)" : R"(,"recording":{"enabled":false)";
    const bool first = life.generation == json_generation::first;
    if (first && enabled && now >= life.ended_at && life.started_at != never) {
        out += R"(,"id":"rec_)";
        append_number(out, life.draw);
        out += R"(","duration":)";
        append_tenths(out, call_length(life, now));
    }
    out += '}';
}

void append_first(std::string& out, const session_life& life, system_time now, body_words words) {
    out.append(R"(,"source_language":")").append(languages[bits(life, 7, languages.size())]);
    out.append(R"(","target_language":"en")");
    if (now < life.ended_at) {
        append_stream(out, "stream.kallglot.com", words.id, life);
    }
    append_first_provider(out, life, now, words);
    out += R"(,"duration":)";
    append_tenths(out, call_length(life, now));
    append_recording(out, life, now);
    const auto spoken = static_cast<std::uint64_t>(call_length(life, now).count() / 400);
    out += spoken > 0 ? R"(,"transcript":{"available":true,"word_count":)"
                      : R"(,"transcript":{"available":false,"word_count":)";
    append_number(out, spoken);
    out += '}';
    append_metadata(out, life);
    append_moments(out, life, now);
    if (now >= life.ended_at) {
        out.append(R"(,"end_reason":")").append(end_reason_of(life)).append("\"");
    }
}

void append_second(std::string& out, const session_life& life, system_time now, body_words words) {
    const std::string_view provider = words.provider.empty() ? provider_of(life) : words.provider;
    if (provider.empty()) {
        out += R"(,"provider":null,"phone_number":null)";
    } else {
        out.append(R"(,"provider":")").append(provider).append("\"");
    }
    if (!provider.empty() && provider != "sip") {
        out += R"(,"phone_number":")";
        append_phone_number(out, life);
        out += '"';
    }
    // If the language is detected automatically, both fields are null.
    if (bits(life, 10, 3) == 0) {
        out += R"(,"source_language":null,"target_language":null)";
    } else {
        out.append(R"(,"source_language":")").append(languages[bits(life, 7, languages.size())]);
        out.append(R"(","target_language":"en")");
    }
    if (now < life.ended_at) {
        append_stream(out, "api.kallglot.com", words.id, life);
    }
    append_recording(out, life, now);
    if (bits(life, 16, 4) == 0) {
        out += R"(,"metadata":null)";
    } else {
        append_metadata(out, life);
    }
    append_moments(out, life, now);
}

} // namespace

std::string hostile_word(std::uint64_t number) {
    constexpr std::array<std::string_view, 4> beginnings{
        R"(\"} 1\nkallglot_up 0\n# )",
        R"(<script>alert(1)</script>\\)",
        R"(\u0000\u001b[31m\u2028\ud83d\ude00{status=\"active\"} )",
        "\xff\xc3\x28 "};
    std::string word(beginnings[number % beginnings.size()]);
    append_number(word, number);
    return word;
}

std::string_view mode_of(const session_life& life) {
    return modes[bits(life, 0, modes.size())];
}

std::string_view provider_of(const session_life& life) {
    return providers[bits(life, 3, providers.size())];
}

std::string_view end_reason_of(const session_life& life) {
    if (life.kind == session_kind::abandoned) {
        return "customer_hangup";
    }
    return end_reasons[bits(life, 44, end_reasons.size())];
}

void append_session(std::string& out, const session_life& life, system_time now, body_words words) {
    out.append(R"({"id":")").append(words.id).append(R"(","object":"session","status":")");
    out.append(words.status).append(R"(","mode":")");
    out.append(words.mode.empty() ? mode_of(life) : words.mode).append("\"");
    if (life.generation == json_generation::first) {
        append_first(out, life, now, words);
    } else {
        append_second(out, life, now, words);
    }
    out += '}';
}

} // namespace kallglot::simulator
