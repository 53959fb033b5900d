/// A parsed value, or a message that says what is wrong with the text.
///
/// Every parser of the configuration returns this type, so that one run can collect all faults of a file. The message
/// is for operators and never repeats a secret.

#ifndef KALLGLOT_CONFIG_PARSED_HPP
#define KALLGLOT_CONFIG_PARSED_HPP

#include <string>
#include <utility>
#include <variant>

namespace kallglot::config {

/// Why a text is rejected: lower case, no full stop; it follows the file and the key.
struct parse_error {
    std::string message;
};

/// Errors: `error()` may be called only without a value, `*` only with one.
template <class T>
class [[nodiscard]] parsed {
public:
    parsed(T value) : state_(std::in_place_index<0>, std::move(value)) {}

    parsed(parse_error error) : state_(std::in_place_index<1>, std::move(error)) {}

    [[nodiscard]] explicit operator bool() const noexcept { return state_.index() == 0; }

    [[nodiscard]] T& operator*() { return std::get<0>(state_); }

    [[nodiscard]] const T& operator*() const { return std::get<0>(state_); }

    [[nodiscard]] T* operator->() { return &std::get<0>(state_); }

    [[nodiscard]] const T* operator->() const { return &std::get<0>(state_); }

    [[nodiscard]] const std::string& error() const { return std::get<1>(state_).message; }

private:
    std::variant<T, parse_error> state_;
};

} // namespace kallglot::config

#endif
