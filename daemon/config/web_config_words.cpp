#include "config/web_config_words.hpp"

#include "kallglot/base/text.hpp"

#include <algorithm>
#include <cstddef>

namespace kallglot::config {

namespace {

// The bounds of bcrypt's work factor: below 4 it is undefined, above 14 one login takes over a second.
constexpr int min_cost = 4;
constexpr int max_cost = 14;

} // namespace

std::string why_not_header(const header_rule& rule, std::string_view value) {
    // A header without a list of values may have any value on one line.
    const bool any = rule.values[0].empty();
    // A closed list, because a browser ignores a misspelt value without a word, and the page is then unprotected.
    if (!any && std::ranges::find(rule.values, value) == rule.values.end()) {
        std::string allowed = "must be " + std::string(rule.values[0]);
        return rule.values[1].empty() ? allowed : allowed + " or " + std::string(rule.values[1]);
    }
    // A line break would end the header and begin another one (RFC 9110 section 5.5).
    const bool one_line = std::ranges::none_of(value, [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
    });
    return one_line ? "" : "must be one line without control characters";
}

std::string_view why_not_bcrypt(std::string_view hash) {
    constexpr std::string_view alphabet =
        "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    // `$2y$10$` and 53 characters of salt and hash in bcrypt's own base64 alphabet.
    // 2x is not accepted: it marks hashes of an implementation with a known error.
    const bool is_bcrypt = hash.size() == 60 && hash.starts_with("$2")
                           && (hash[2] == 'a' || hash[2] == 'b' || hash[2] == 'y') && hash[3] == '$'
                           && is_digit(hash[4]) && is_digit(hash[5]) && hash[6] == '$'
                           && hash.find_first_not_of(alphabet, 7) == std::string_view::npos;
    if (!is_bcrypt) {
        return "password is not a bcrypt hash: make one with htpasswd -nBC 10 USER";
    }
    const int cost = (hash[4] - '0') * 10 + (hash[5] - '0');
    // Each step doubles the time. It is checked here, because a login is answered by a worker that others wait for.
    return cost < min_cost || cost > max_cost ? "the cost of the bcrypt hash must be 4 to 14" : "";
}

} // namespace kallglot::config
