#include "app/key_watch.hpp"

#include "kallglot/config/secrets.hpp"

#include <openssl/crypto.h>

#include <string_view>
#include <utility>
#include <variant>

namespace kallglot {

namespace {

bool is_same(const secret& a, const secret& b) noexcept {
    // In constant time, as all comparisons of secrets.
    const std::string_view one = a.reveal();
    const std::string_view other = b.reveal();
    return one.size() == other.size() && CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

} // namespace

key_watch::key_watch(clock& time, logger& log, key_taker take)
    : log_(log),
      take_(std::move(take)),
      files_(time, log, "changed API key not used", [this] { return read(); }) {}

void key_watch::use(const std::string& file, const secret& key) {
    file_ = file;
    // The key was read some time ago, and the file may have changed since: compare.
    file_group files({file});
    const auto outcome = config::read_secret_file(file, config::secret_use::header, {});
    const auto* const found = std::get_if<config::secret_file>(&outcome);
    // Unread: the first check finds a change, and reads it like any other.
    const bool is_read = found != nullptr && is_same(found->value, key);
    files_.follow(is_read ? std::move(files) : file_group::unread({file}));
}

std::optional<unusable_files> key_watch::read() {
    file_group files({file_});
    // Without warnings: the start has logged a file that others can read.
    const auto outcome = config::read_secret_file(file_, config::secret_use::header, {});
    if (const auto* const fault = std::get_if<config::secret_fault>(&outcome)) {
        return unusable_files{{fault->message},
                              std::move(files),
                              fault->kind == config::fault_kind::invalid};
    }
    // The content is invalid, so it is not read again before a change (is_final).
    if (!take_(std::get<config::secret_file>(outcome).value)) {
        return unusable_files{{"API key contains characters not allowed in an HTTP header"},
                              std::move(files)};
    }
    // The key itself is never logged.
    files_.follow(std::move(files));
    log_.info("API key reloaded", {{"file", file_}});
    return std::nullopt;
}

} // namespace kallglot
