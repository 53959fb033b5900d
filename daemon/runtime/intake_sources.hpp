/// The set of sources in a record, for the two bodies of the intake.

#ifndef KALLGLOT_RUNTIME_INTAKE_SOURCES_HPP
#define KALLGLOT_RUNTIME_INTAKE_SOURCES_HPP

#include "kallglot/core/session_record.hpp"

#include <cstdint>

namespace kallglot {

[[nodiscard]] constexpr std::uint8_t bit_of(session_source source) noexcept {
    return static_cast<std::uint8_t>(source);
}

} // namespace kallglot

#endif
