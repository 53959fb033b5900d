#include "config/fault_list.hpp"

#include "kallglot/base/utf8.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <utility>

namespace kallglot::config {

namespace {

// Enough for any real file, and insertion stays cheap.
constexpr std::size_t max_faults = 100;

// An operator recognises a key by its beginning; a message can repeat a long value.
constexpr std::size_t max_key_bytes = 64;
constexpr std::size_t max_message_bytes = 1024;

// Cuts a text between two characters of UTF-8.
std::string_view shorten(std::string_view text, std::size_t max_bytes) {
    std::string_view rest = text;
    while (!rest.empty()) {
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
                    std::string(shorten(key, max_key_bytes)),
                    std::string(shorten(message, max_message_bytes))});
    if (faults_.size() > max_faults) {
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
