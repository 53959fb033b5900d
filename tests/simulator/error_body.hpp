// Errors in the form of the API: reason phrase and JSON envelope in either documented generation.
//
// Source: docs of the error envelope, both generations; tests/samples/error_*.json. Type and code
// of a missing session are not documented; those used here are made up, so clients must go by the
// status.

#ifndef KALLGLOT_SIMULATOR_ERROR_BODY_HPP
#define KALLGLOT_SIMULATOR_ERROR_BODY_HPP

#include "simulator/session_life.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace kallglot::simulator {

/// The reason phrase of a status that the simulator sends.
[[nodiscard]] std::string_view reason_of(unsigned status);

/// Appends the JSON envelope of an error.
void append_error(std::string& out,
                  unsigned status,
                  json_generation generation,
                  std::uint64_t request_number);

} // namespace kallglot::simulator

#endif
