/// Statements for PostgreSQL with their parameters, and the rows of an answer; both in the binary format.
///
/// Statements have no names, because a pooler gives each transaction another server. Their text is a literal: everything that varies is
/// a parameter, many rows are arrays. Pure: no connection here.

#ifndef KALLGLOT_STORE_POSTGRESQL_PG_BATCH_HPP
#define KALLGLOT_STORE_POSTGRESQL_PG_BATCH_HPP

#include "kallglot/base/keyed_hash.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct pg_result; // libpq's PGresult

namespace kallglot {

/// The text of a statement. Only a constant of the program converts to it.
class pg_sql {
public:
    consteval pg_sql(const char* literal)
        : text_(literal) {} // NOLINT(google-explicit-constructor): a literal is one

    [[nodiscard]] constexpr const char* text() const noexcept { return text_; }

private:
    const char* text_;
};

/// The parameters $1, $2 … of one statement.
///
/// Source: the send functions of PostgreSQL's types; big-endian. OIDs from pg_type.dat, which never change.
class pg_parameters {
public:
    pg_parameters& add(bool value);
    pg_parameters& add(std::int16_t value);
    pg_parameters& add(std::int32_t value);
    pg_parameters& add(std::int64_t value);
    pg_parameters& add(std::string_view value);
    pg_parameters& add(const char*) = delete; // would be a bool

    // Arrays.
    pg_parameters& add(const std::vector<std::int16_t>& values);
    pg_parameters& add(const std::vector<std::int32_t>& values);
    pg_parameters& add(const std::vector<std::int64_t>& values);
    pg_parameters& add(const std::vector<std::optional<std::int64_t>>& values);
    pg_parameters& add(const std::vector<std::string>& values);
    /// uuid[]: 128 bits, the high half first.
    pg_parameters& add(const std::vector<std::optional<text_hash>>& values);

    /// The arrays that PQsendQueryParams takes.
    [[nodiscard]] int count() const noexcept { return static_cast<int>(types_.size()); }

    [[nodiscard]] const unsigned* types() const noexcept { return types_.data(); }

    [[nodiscard]] std::vector<const char*> values() const;
    [[nodiscard]] std::vector<int> lengths() const;

    [[nodiscard]] std::size_t byte_count() const noexcept;

private:
    std::vector<unsigned> types_;
    std::vector<std::string> bytes_;
};

/// One row, valid during the call that gets it. A value of another type or size than asked for is empty, like NULL: the
/// caller's statement says which types it returns, so a difference means a schema that this code does not know.
class pg_row {
public:
    pg_row(const pg_result* result, int row) noexcept : result_(result), row_(row) {}

    /// smallint, int or bigint.
    [[nodiscard]] std::optional<std::int64_t> integer(int column) const noexcept;
    [[nodiscard]] std::optional<bool> boolean(int column) const noexcept;
    [[nodiscard]] std::optional<text_hash> uuid(int column) const noexcept;
    /// The bytes of a text.
    [[nodiscard]] std::optional<std::string_view> text(int column) const noexcept;

private:
    const pg_result* result_;
    int row_;
};

struct pg_statement {
    pg_sql sql;
    pg_parameters parameters;
    std::function<void(const pg_row&)> on_row; ///< may be empty
};

/// Statements that are sent together and answered together: one transaction.
///
/// One statement is a transaction by itself. Several begin with BEGIN and end with COMMIT, and are small: one call of the
/// system sends them all, so that no transaction waits for a stopped exporter while it holds a lock.
class pg_batch {
public:
    static constexpr std::size_t max_bytes_of_several = 7'000;

    pg_batch& add(pg_sql sql,
                  pg_parameters parameters = {},
                  std::function<void(const pg_row&)> on_row = {});

    [[nodiscard]] const std::vector<pg_statement>& statements() const noexcept {
        return statements_;
    }

    [[nodiscard]] std::size_t byte_count() const noexcept;

    /// Whether it keeps the rule above.
    [[nodiscard]] bool is_one_message() const noexcept {
        return statements_.size() == 1 || byte_count() <= max_bytes_of_several;
    }

private:
    std::vector<pg_statement> statements_;
};

} // namespace kallglot

#endif
