/// The faults of one text as they are found: kept in the order of their lines, and a bounded number of them, so that
/// a file of nonsense neither fills a terminal nor costs more than its reading. Private to this module.

#ifndef KALLGLOT_CONFIG_FAULT_LIST_HPP
#define KALLGLOT_CONFIG_FAULT_LIST_HPP

#include "kallglot/config/config_fault.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kallglot::config {

/// Puts a fault behind those of the same line and of the lines before; behind all stands the one without line and key,
/// which tells how many were left out.
void insert_by_line(std::vector<config_fault>& faults, config_fault fault);

class fault_list {
public:
    /// `file` is what the faults call it.
    explicit fault_list(std::string_view file) : file_(file) {}

    /// Adds a fault of kind `invalid`; when the list is full, the one of the last line is only counted. Of a long key
    /// or message the beginning is kept.
    void add(std::size_t line, std::string_view key, std::string_view message);

    /// Whether explaining one more fault is in vain.
    [[nodiscard]] bool is_full() const noexcept;

    /// All of them, and behind them how many were left out; empty if nothing is wrong. The list is then empty.
    [[nodiscard]] std::vector<config_fault> take();

private:
    std::string file_;
    std::vector<config_fault> faults_;
    std::size_t omitted_ = 0;
};

} // namespace kallglot::config

#endif
