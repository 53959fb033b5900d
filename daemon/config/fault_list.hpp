/// A bounded list of the faults of one file, in order of lines.
///
/// The bound is for files that are no configuration at all: they neither fill a terminal nor cost more than reading
/// them. Private to this room.

#ifndef KALLGLOT_CONFIG_FAULT_LIST_HPP
#define KALLGLOT_CONFIG_FAULT_LIST_HPP

#include "kallglot/config/config_fault.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kallglot::config {

/// Inserts a fault after those of the same line and of earlier lines. The fault without line and key, which counts the
/// omitted ones, is always the last.
void insert_by_line(std::vector<config_fault>& faults, config_fault fault);

class fault_list {
public:
    /// `file` is the name of the file in faults.
    explicit fault_list(std::string_view file) : file_(file) {}

    /// Adds a fault of kind `invalid`. If the list is full, the fault of the last line is only counted. A long
    /// message is cut, and a key that may be a secret is not repeated.
    void add(std::size_t line, std::string_view key, std::string_view message);

    /// Whether the list is full. Then an expensive message is wasted.
    [[nodiscard]] bool is_full() const noexcept;

    /// Takes all faults; the last one counts the omitted ones. Empty without faults. The list is empty afterwards.
    [[nodiscard]] std::vector<config_fault> take();

private:
    std::string file_;
    std::vector<config_fault> faults_;
    std::size_t omitted_ = 0;
};

} // namespace kallglot::config

#endif
