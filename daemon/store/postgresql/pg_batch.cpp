#include "store/postgresql/pg_batch.hpp"

#include <libpq-fe.h>

#include <cstring>
#include <numeric>
#include <type_traits>
#include <utility>

namespace kallglot {

namespace {

// Type numbers of pg_type.dat, of a value and of an array of it.
constexpr unsigned type_bool = 16;
constexpr unsigned type_bigint = 20;
constexpr unsigned type_smallint = 21;
constexpr unsigned type_int = 23;
constexpr unsigned type_text = 25;
constexpr unsigned type_smallint_array = 1005;
constexpr unsigned type_int_array = 1007;
constexpr unsigned type_text_array = 1009;
constexpr unsigned type_bigint_array = 1016;
constexpr unsigned type_uuid = 2950;
constexpr unsigned type_uuid_array = 2951;

// What Parse, Bind, Describe and Execute need beside text and values.
constexpr std::size_t overhead_of_statement = 64;
constexpr std::size_t overhead_of_parameter = 8;

std::uint64_t bits_of(std::string_view bytes) noexcept {
    std::uint64_t bits = 0;
    for (const char each : bytes) {
        bits = (bits << 8U) | static_cast<unsigned char>(each);
    }
    return bits;
}

template <class Number>
void append(std::string& bytes, Number value) {
    const auto bits = static_cast<std::make_unsigned_t<Number>>(value);
    for (std::size_t i = sizeof(Number); i-- > 0;) {
        bytes.push_back(static_cast<char>((bits >> (8 * i)) & 0xFFU));
    }
}

template <class Number>
void append_element(std::string& bytes, Number value) {
    append(bytes, static_cast<std::int32_t>(sizeof(Number)));
    append(bytes, value);
}

void append_element(std::string& bytes, const text_hash& value) {
    append(bytes, static_cast<std::int32_t>(2 * sizeof(std::uint64_t)));
    append(bytes, value.high);
    append(bytes, value.low);
}

template <class Element>
void append_element(std::string& bytes, const std::optional<Element>& value) {
    if (value) {
        append_element(bytes, *value);
    } else {
        append(bytes, std::int32_t{-1});
    }
}

void append_element(std::string& bytes, const std::string& value) {
    append(bytes, static_cast<std::int32_t>(value.size()));
    bytes += value;
}

template <class Element>
constexpr bool may_be_null = false;
template <class Element>
constexpr bool may_be_null<std::optional<Element>> = true;

// The format of array_send: dimensions, whether there are NULLs, the element's type, size and lower bound, elements.
template <class Element>
std::string array_of(const std::vector<Element>& values, unsigned type) {
    std::string bytes;
    append(bytes, std::int32_t{values.empty() ? 0 : 1});
    append(bytes, std::int32_t{may_be_null<Element> ? 1 : 0});
    append(bytes, type);
    if (!values.empty()) {
        append(bytes, static_cast<std::int32_t>(values.size()));
        append(bytes, std::int32_t{1});
    }
    for (const Element& each : values) {
        append_element(bytes, each);
    }
    return bytes;
}

template <class Number>
std::string scalar(Number value) {
    std::string bytes;
    append(bytes, value);
    return bytes;
}

} // namespace

pg_parameters& pg_parameters::add(bool value) {
    types_.push_back(type_bool);
    bytes_.emplace_back(1, value ? '\1' : '\0');
    return *this;
}

pg_parameters& pg_parameters::add(std::int16_t value) {
    types_.push_back(type_smallint);
    bytes_.push_back(scalar(value));
    return *this;
}

pg_parameters& pg_parameters::add(std::int32_t value) {
    types_.push_back(type_int);
    bytes_.push_back(scalar(value));
    return *this;
}

pg_parameters& pg_parameters::add(std::int64_t value) {
    types_.push_back(type_bigint);
    bytes_.push_back(scalar(value));
    return *this;
}

pg_parameters& pg_parameters::add(std::string_view value) {
    types_.push_back(type_text);
    bytes_.emplace_back(value);
    return *this;
}

pg_parameters& pg_parameters::add(const std::vector<std::int16_t>& values) {
    types_.push_back(type_smallint_array);
    bytes_.push_back(array_of(values, type_smallint));
    return *this;
}

pg_parameters& pg_parameters::add(const std::vector<std::int32_t>& values) {
    types_.push_back(type_int_array);
    bytes_.push_back(array_of(values, type_int));
    return *this;
}

pg_parameters& pg_parameters::add(const std::vector<std::int64_t>& values) {
    types_.push_back(type_bigint_array);
    bytes_.push_back(array_of(values, type_bigint));
    return *this;
}

pg_parameters& pg_parameters::add(const std::vector<std::optional<std::int64_t>>& values) {
    types_.push_back(type_bigint_array);
    bytes_.push_back(array_of(values, type_bigint));
    return *this;
}

pg_parameters& pg_parameters::add(const std::vector<std::string>& values) {
    types_.push_back(type_text_array);
    bytes_.push_back(array_of(values, type_text));
    return *this;
}

pg_parameters& pg_parameters::add(const std::vector<std::optional<text_hash>>& values) {
    types_.push_back(type_uuid_array);
    bytes_.push_back(array_of(values, type_uuid));
    return *this;
}

std::vector<const char*> pg_parameters::values() const {
    std::vector<const char*> pointers;
    for (const std::string& each : bytes_) {
        pointers.push_back(each.data());
    }
    return pointers;
}

std::vector<int> pg_parameters::lengths() const {
    std::vector<int> sizes;
    for (const std::string& each : bytes_) {
        sizes.push_back(static_cast<int>(each.size()));
    }
    return sizes;
}

std::size_t pg_parameters::byte_count() const noexcept {
    return std::accumulate(bytes_.begin(),
                           bytes_.end(),
                           std::size_t{0},
                           [](std::size_t sum, const std::string& each) {
                               return sum + each.size() + overhead_of_parameter;
                           });
}

std::optional<std::int64_t> pg_row::integer(int column) const noexcept {
    const auto bytes = text(column);
    if (!bytes || (bytes->size() != 2 && bytes->size() != 4 && bytes->size() != 8)) {
        return std::nullopt;
    }
    const std::uint64_t bits = bits_of(*bytes);
    // The sign is the first bit of what was sent.
    switch (bytes->size()) {
        case 2:
            return static_cast<std::int16_t>(bits);
        case 4:
            return static_cast<std::int32_t>(bits);
        default:
            return static_cast<std::int64_t>(bits);
    }
}

std::optional<bool> pg_row::boolean(int column) const noexcept {
    const auto bytes = text(column);
    return bytes && bytes->size() == 1 ? std::optional((*bytes)[0] != '\0') : std::nullopt;
}

std::optional<text_hash> pg_row::uuid(int column) const noexcept {
    constexpr std::size_t half = sizeof(std::uint64_t);
    const auto bytes = text(column);
    if (!bytes || bytes->size() != 2 * half) {
        return std::nullopt;
    }
    return text_hash{.low = bits_of(bytes->substr(half)), .high = bits_of(bytes->substr(0, half))};
}

std::optional<std::string_view> pg_row::text(int column) const noexcept {
    // libpq writes a message to stderr if it is asked for a column that is not there.
    if (column < 0 || column >= PQnfields(result_) || PQgetisnull(result_, row_, column) != 0) {
        return std::nullopt;
    }
    const int size = PQgetlength(result_, row_, column);
    return std::string_view(PQgetvalue(result_, row_, column), static_cast<std::size_t>(size));
}

pg_batch& pg_batch::add(pg_sql sql,
                        pg_parameters parameters,
                        std::function<void(const pg_row&)> on_row) {
    statements_.push_back({sql, std::move(parameters), std::move(on_row)});
    return *this;
}

std::size_t pg_batch::byte_count() const noexcept {
    return std::accumulate(statements_.begin(),
                           statements_.end(),
                           std::size_t{0},
                           [](std::size_t sum, const auto& each) {
                               return sum + std::strlen(each.sql.text())
                                      + each.parameters.byte_count() + overhead_of_statement;
                           });
}

} // namespace kallglot
