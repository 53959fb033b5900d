// Every form of operator new and delete, led to two functions that the test program defines.
//
// A sanitizer brings its own version of each form that a program does not replace, and reports a block of one version
// that the other one releases. Libraries choose among the forms: sorting in libstdc++ 14 uses the one that does not throw.

#ifndef KALLGLOT_TEST_SUPPORT_REPLACED_NEW_HPP
#define KALLGLOT_TEST_SUPPORT_REPLACED_NEW_HPP

#include <cstddef>

namespace kallglot::test {

/// Defined by the test program: a block, or null if there is none.
[[nodiscard]] void* allocate_block(std::size_t size, std::size_t alignment) noexcept;

/// Defined by the test program. Null is allowed.
void release_block(void* memory) noexcept;

/// What allocate_block() is made of: a block that std::free() releases, or null.
[[nodiscard]] void* aligned_block(std::size_t size, std::size_t alignment) noexcept;

} // namespace kallglot::test

#endif
