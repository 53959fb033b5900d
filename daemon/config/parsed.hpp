/// A parsed value, or one sentence that says what is wrong with the text.
///
/// Every reader of the configuration returns this, so that all faults of a file can be collected in one run
/// instead of stopping at the first. The sentence is for operators and never repeats a secret.

#ifndef KALLGLOT_CONFIG_PARSED_HPP
#define KALLGLOT_CONFIG_PARSED_HPP

#include <string>
#include <utility>
#include <variant>

namespace kallglot::config {

/// Why a text was refused: lower case, no full stop, to be put behind a file and key.
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
