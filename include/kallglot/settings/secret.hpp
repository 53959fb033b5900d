/// A secret in memory: the API key, a webhook secret, the token of the session API.
///
/// A type of its own, so that a secret cannot be printed, logged, compared or copied by accident, and so that
/// its bytes are wiped when it goes. It does not lock memory, and it cannot wipe copies made by `reveal` callers.

#ifndef KALLGLOT_SETTINGS_SECRET_HPP
#define KALLGLOT_SETTINGS_SECRET_HPP

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace kallglot {

/// Owner of some secret bytes; wiped on destruction and on assignment. Empty by default.
///
/// There is no `==` and no `<<` on purpose: compare with a function that takes constant time.
///
/// Lifetime: views from `reveal` end with the object or its next assignment.
class secret {
public:
    secret() noexcept = default;

    /// Copies the bytes; wiping the source is the caller's part.
    explicit secret(std::string_view bytes) : size_(bytes.size()) {
        // Heap memory of exactly this size, because a short std::string would leave copies when it moves.
        if (size_ != 0) {
            bytes_ = std::make_unique<char[]>(size_);
            std::memcpy(bytes_.get(), bytes.data(), size_);
        }
    }

    secret(const secret&) = delete;
    secret& operator=(const secret&) = delete;

    secret(secret&& other) noexcept
        : bytes_(std::move(other.bytes_)),
          size_(std::exchange(other.size_, 0)) {}

    secret& operator=(secret&& other) noexcept {
        if (this != &other) {
            wipe();
            bytes_ = std::move(other.bytes_);
            size_ = std::exchange(other.size_, 0);
        }
        return *this;
    }

    ~secret() { wipe(); }

    /// A second owner of the same bytes, said aloud.
    [[nodiscard]] secret copy() const { return secret(reveal()); }

    /// The bytes, for the one place that puts them on the wire or into a MAC.
    [[nodiscard]] std::string_view reveal() const noexcept { return {bytes_.get(), size_}; }

    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

private:
    void wipe() noexcept {
        if (bytes_) {
            ::explicit_bzero(bytes_.get(), size_);
        }
    }

    std::unique_ptr<char[]> bytes_;
    std::size_t size_ = 0;
};

} // namespace kallglot

#endif
