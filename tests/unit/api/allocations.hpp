#ifndef KALLGLOT_TESTS_UNIT_API_ALLOCATIONS_HPP
#define KALLGLOT_TESTS_UNIT_API_ALLOCATIONS_HPP

#include <cstddef>
#include <string_view>

// Watches `operator new` of this test program: how often it is called, and what lies in the blocks
// that were allocated while recording. For one thread.
namespace kallglot::test {

/// Calls of operator new since the program began.
[[nodiscard]] std::size_t allocation_count() noexcept;

/// Remembers the blocks (at most 64) allocated between its construction and `stop` and still there.
class block_recorder {
public:
    block_recorder() noexcept;
    ~block_recorder();
    block_recorder(const block_recorder&) = delete;
    block_recorder& operator=(const block_recorder&) = delete;

    /// Stops recording; `holds` and `bytes` go on working.
    void stop() noexcept;

    /// Whether the bytes of `text` are anywhere in a recorded block.
    [[nodiscard]] bool holds(std::string_view text) const noexcept;

    /// The size of all recorded blocks.
    [[nodiscard]] std::size_t bytes() const noexcept;
};

} // namespace kallglot::test

#endif
