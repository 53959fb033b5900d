// Content negotiation: the headers Accept and Accept-Encoding (RFC 9110 section 12.5). A malformed header is never an
// error: plain text without compression is right for every client.

#include "kallglot/base/text.hpp"
#include "kallglot/metrics/exposition.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <string_view>

namespace kallglot {

namespace {

// Without blanks at both ends.
[[nodiscard]] std::string_view trim(std::string_view text) noexcept {
    const auto is_blank = [](char c) {
        return c == ' ' || c == '\t';
    };
    while (!text.empty() && is_blank(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && is_blank(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

// Takes the text before the next `separator` off the front, together with the separator.
[[nodiscard]] std::string_view take_until(std::string_view& text, char separator) noexcept {
    const std::size_t end = std::min(text.find(separator), text.size());
    const std::string_view taken = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    return taken;
}

// One entry of such a header. Names of media types, encodings and parameters have no case. Without a parameter `q` its weight is 1.
struct choice {
    std::string_view name;
    double weight = 1;
};

// Takes the next entry off the list. An unreadable weight counts as 0, which means "not acceptable".
[[nodiscard]] choice take_choice(std::string_view& list) noexcept {
    // Entries are separated by commas, their parameters by semicolons.
    std::string_view entry = take_until(list, ',');
    choice taken;
    taken.name = take_until(entry, ';');
    while (!entry.empty()) {
        std::string_view parameter = take_until(entry, ';');
        const std::string_view name = take_until(parameter, '=');
        if (ascii_iequals(name, "q")) {
            taken.weight = 0;
            // After an error the weight keeps its 0.
            std::from_chars(parameter.data(), parameter.data() + parameter.size(), taken.weight);
        }
    }
    return taken;
}

} // namespace

exposition_format choose_format(std::string_view accept) noexcept {
    // Only these two names count. Wildcards mean text: a client that wants OpenMetrics names it.
    double openmetrics = 0;
    double text = 0;
    while (!accept.empty()) {
        const choice next = take_choice(accept);
        if (ascii_iequals(next.name, "application/openmetrics-text")) {
            openmetrics = std::max(openmetrics, next.weight);
        } else if (ascii_iequals(next.name, "text/plain")) {
            text = std::max(text, next.weight);
        }
    }
    // At equal weight OpenMetrics wins, because it has exemplars.
    return openmetrics > 0 && openmetrics >= text ? exposition_format::openmetrics
                                                  : exposition_format::text;
}

bool accepts_gzip(std::string_view accept_encoding) noexcept {
    // An entry for gzip decides, even with weight 0; the wildcard counts only without one.
    double any = 0;
    while (!accept_encoding.empty()) {
        const choice next = take_choice(accept_encoding);
        if (ascii_iequals(next.name, "gzip")) {
            return next.weight > 0;
        }
        if (next.name == "*") {
            any = next.weight;
        }
    }
    return any > 0;
}

} // namespace kallglot
