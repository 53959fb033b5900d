#include "simulator/http_request.hpp"

#include <algorithm>
#include <charconv>

namespace kallglot::simulator {

namespace {

char lower(char character) {
    return character >= 'A' && character <= 'Z' ? static_cast<char>(character + 32) : character;
}

bool equals_ignoring_case(std::string_view text, std::string_view lower_case) {
    return text.size() == lower_case.size()
           && std::equal(text.begin(), text.end(), lower_case.begin(), [](char a, char b) {
                  return lower(a) == b;
              });
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
        text.remove_prefix(1);
    }
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
        text.remove_suffix(1);
    }
    return text;
}

std::string_view take_line(std::string_view& rest) {
    const auto end = rest.find("\r\n");
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    return line;
}

bool read_request_line(std::string_view line, http_request& request) {
    const auto first = line.find(' ');
    const auto last = line.rfind(' ');
    if (first == std::string_view::npos || last == first) {
        return false;
    }
    request.method = line.substr(0, first);
    const std::string_view target = line.substr(first + 1, last - first - 1);
    const std::string_view version = line.substr(last + 1);
    set_target(request, target);
    request.keep_alive = version == "HTTP/1.1";
    return !target.empty() && (version == "HTTP/1.1" || version == "HTTP/1.0");
}

// The headers that decide about framing and authentication.
struct head_facts {
    std::size_t content_length{0};
    std::string_view bearer;
    std::string_view api_key;
    bool malformed{false};
};

void read_field(std::string_view line, http_request& request, head_facts& facts) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) {
        facts.malformed = true;
        return;
    }
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = trimmed(line.substr(colon + 1));
    // The length of a name distinguishes nearly all headers without comparing them.
    if (name.size() == 13 && equals_ignoring_case(name, "authorization")) {
        facts.bearer = bearer_of(value);
    } else if (name.size() == 9 && equals_ignoring_case(name, "x-api-key")) {
        facts.api_key = value;
    } else if (name.size() == 10 && equals_ignoring_case(name, "connection")) {
        request.keep_alive = request.keep_alive && !equals_ignoring_case(value, "close");
    } else if (name.size() == 14 && equals_ignoring_case(name, "content-length")) {
        const auto [end, error] =
            std::from_chars(value.data(), value.data() + value.size(), facts.content_length);
        facts.malformed = facts.malformed || error != std::errc{}
                          || end != value.data() + value.size()
                          || facts.content_length > max_body_bytes;
    } else if (name.size() == 17 && equals_ignoring_case(name, "transfer-encoding")) {
        facts.malformed = true;
    }
}

} // namespace

void set_target(http_request& request, std::string_view target) {
    const auto mark = target.find('?');
    request.path = target.substr(0, mark);
    request.query = mark == std::string_view::npos ? std::string_view{} : target.substr(mark + 1);
}

std::string_view bearer_of(std::string_view authorization) {
    return equals_ignoring_case(authorization.substr(0, 7), "bearer ")
               ? trimmed(authorization.substr(7))
               : std::string_view{};
}

parse_result parse_request(std::string_view data) {
    parse_result result;
    const auto end = data.find("\r\n\r\n");
    if (end == std::string_view::npos) {
        result.outcome =
            data.size() > max_head_bytes ? parse_outcome::malformed : parse_outcome::incomplete;
        return result;
    }
    std::string_view rest = data.substr(0, end + 2);
    head_facts facts;
    facts.malformed = !read_request_line(take_line(rest), result.request);
    while (!rest.empty() && !facts.malformed) {
        read_field(take_line(rest), result.request, facts);
    }
    if (facts.malformed) {
        result.outcome = parse_outcome::malformed;
        return result;
    }
    const std::size_t head = end + 4;
    if (data.size() - head < facts.content_length) {
        return result;
    }
    result.outcome = parse_outcome::complete;
    result.size = head + facts.content_length;
    result.request.body = data.substr(head, facts.content_length);
    result.request.key = facts.bearer.empty() ? facts.api_key : facts.bearer;
    return result;
}

std::optional<std::string_view> query_value(std::string_view query, std::string_view name) {
    while (!query.empty()) {
        const auto end = query.find('&');
        const std::string_view pair = query.substr(0, end);
        const auto equals = pair.find('=');
        if (pair.substr(0, equals) == name) {
            return equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1);
        }
        query = end == std::string_view::npos ? std::string_view{} : query.substr(end + 1);
    }
    return std::nullopt;
}

} // namespace kallglot::simulator
