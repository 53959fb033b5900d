#include "app/key_watch.hpp"

#include <openssl/crypto.h>

#include <memory>
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

key_watch::key_watch(clock& time, worker& files, logger& log, key_taker take)
    : log_(log),
      take_(std::move(take)),
      files_(time, files, log, "changed API key not used", [this] { return read(); }) {}

void key_watch::use(const std::string& file, const secret& key) {
    // The key is kept until the first check only, to compare; see apply().
    file_ = file;
    key_ = key.copy();
    // Unread: the key was read some time ago, so the first check compares it with what the file has by now.
    files_.follow(file_group::unread({file}));
}

file_follower::reading key_watch::read() {
    return [this, file = file_]() -> file_follower::applier {
        file_group files({file});
        // Without warnings: the start has logged a file that others can read. Shared, since a key has no copies.
        const auto outcome = std::make_shared<const config::secret_result>(
            config::read_secret_file(file, config::secret_use::header, {}));
        return [this, outcome, files = std::move(files)] {
            return apply(*outcome, files);
        };
    };
}

std::optional<unusable_files> key_watch::apply(const config::secret_result& outcome,
                                               file_group files) {
    if (const auto* const fault = std::get_if<config::secret_fault>(&outcome)) {
        return unusable_files{{fault->message},
                              std::move(files),
                              fault->kind == config::fault_kind::invalid};
    }
    const secret& key = std::get<config::secret_file>(outcome).value;
    // Only at the first check: an operator who writes the same key again later wants the API to be tried again.
    if (is_same(key, std::exchange(key_, secret()))) {
        files_.follow(std::move(files));
        return std::nullopt;
    }
    // The content is invalid, so it is not read again before a change (is_final).
    // The client checks it once more, because it builds the header.
    if (!take_(key)) {
        return unusable_files{{"API key contains characters not allowed in an HTTP header"},
                              std::move(files)};
    }
    // The key itself is never logged.
    files_.follow(std::move(files));
    log_.info("API key reloaded", {{"file", file_}});
    return std::nullopt;
}

} // namespace kallglot
