#include "config/fault_list.hpp"

#include "kallglot/base/text.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <utility>

namespace kallglot::config {

namespace {

// Enough for any real file, and insertion stays cheap.
constexpr std::size_t max_faults = 100;

constexpr std::size_t max_message_bytes = 1024; // a message can repeat a long value

// Keys and names of header fields are words of letters. What is longer than all of them, or long with something else in it,
// may be a secret that got onto a line of its own.
constexpr std::size_t max_word_bytes = 30;
constexpr std::size_t min_secret_bytes = 16;

bool may_be_a_secret(std::string_view word) {
    const bool of_letters = std::ranges::all_of(word, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
    });
    return word.size() > max_word_bytes || (word.size() >= min_secret_bytes && !of_letters);
}

// The path of a key, up to the first part that must not be repeated.
std::string without_secrets(std::string_view key) {
    for (std::size_t at = 0; at < key.size();) {
        const std::size_t end = std::min(key.find('.', at), key.size());
        if (may_be_a_secret(key.substr(at, end - at))) {
            return std::string(key.substr(0, at)) + "(not shown: perhaps a secret)";
        }
        at = end + 1;
    }
    return std::string(key);
}

// Cuts a text between two characters of UTF-8.
std::string_view shorten(std::string_view text, std::size_t max_bytes) {
    std::string_view rest = text;
    while (!rest.empty()) {
        // At least one byte, or an invalid one would never end the loop.
        const std::size_t length = std::max<std::size_t>(decode_utf8(rest).length, 1);
        if (text.size() - rest.size() + length > max_bytes) {
            break;
        }
        rest.remove_prefix(length);
    }
    return text.substr(0, text.size() - rest.size());
}

// The position in the list: by line; the count of omitted faults is last.
std::size_t rank(const config_fault& fault) {
    return fault.line == 0 && fault.key.empty() ? std::numeric_limits<std::size_t>::max()
                                                : fault.line;
}

} // namespace

void insert_by_line(std::vector<config_fault>& faults, config_fault fault) {
    // After equal lines, so faults of one line stay in the order in which they were found.
    const auto behind = std::ranges::upper_bound(faults, rank(fault), std::ranges::less(), rank);
    faults.insert(behind, std::move(fault));
}

void fault_list::add(std::size_t line, std::string_view key, std::string_view message) {
    // The list has the first lines, not the first found: rules between keys are checked last and often concern early
    // lines.
    if (is_full() && line >= faults_.back().line) {
        ++omitted_;
        return;
    }
    insert_by_line(faults_,
                   {fault_kind::invalid,
                    file_,
                    line,
                    without_secrets(key),
                    std::string(shorten(message, max_message_bytes))});
    if (faults_.size() > max_faults) {
        // The last one is the least useful: faults are read from the top.
        faults_.pop_back();
        ++omitted_;
    }
}

// Callers skip an expensive message then; the fault itself is still counted.
bool fault_list::is_full() const noexcept {
    return faults_.size() == max_faults;
}

std::vector<config_fault> fault_list::take() {
    if (omitted_ != 0) {
        faults_.push_back({fault_kind::invalid,
                           file_,
                           0,
                           "",
                           "and " + std::to_string(std::exchange(omitted_, 0)) + " more faults"});
    }
    return std::exchange(faults_, {});
}

} // namespace kallglot::config
