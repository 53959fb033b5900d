/// A secret in memory: the API key, a webhook secret, the token of the session API.
///
/// The type prevents that code prints, logs, compares or copies a secret by accident. It wipes the bytes at the end.
/// It does not lock memory, and it cannot wipe copies that callers of `reveal` make.

#ifndef KALLGLOT_SETTINGS_SECRET_HPP
#define KALLGLOT_SETTINGS_SECRET_HPP

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace kallglot {

/// Owner of secret bytes. Wipes them on destruction and on assignment. Empty by default.
///
/// It deliberately has no `==` and no `<<`: compare with a function that takes constant time.
///
/// Lifetime: views from `reveal` end with the object or its next assignment.
class secret {
public:
    secret() noexcept = default;

    /// Copies the bytes. The caller wipes the source.
    explicit secret(std::string_view bytes) : size_(bytes.size()) {
        // Heap memory of exactly this size: a short std::string would leave copies when it moves.
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

    /// An explicit copy of the bytes with its own owner.
    [[nodiscard]] secret copy() const { return secret(reveal()); }

    /// The bytes, for the code that sends them or computes a MAC.
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
