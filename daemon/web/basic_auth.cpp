// Three properties shape this file. A bcrypt hash takes milliseconds, so it runs on a worker thread and its result is
// remembered. Unknown users cost as much as known ones, so that timing does not reveal names. Passwords exist only in
// buffers that are wiped.

#include "kallglot/web/basic_auth.hpp"

#include "kallglot/settings/secret.hpp"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

namespace kallglot {

namespace {

/// Longer headers are rejected. It is ample: bcrypt uses only the first 72 bytes of a password.
constexpr std::size_t max_header_bytes = 1024;

/// Decodes `user:password` from a header `Basic <base64>`; empty if the header has another form.
std::optional<secret> decode(std::string_view header) {
    constexpr std::string_view scheme = "basic ";
    const auto lower = [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    };
    if (header.size() > max_header_bytes || header.size() <= scheme.size()
        || !std::ranges::equal(header.substr(0, scheme.size()), scheme, {}, lower)) {
        return std::nullopt;
    }
    // The decoded text is shorter than the header, so the buffer suffices.
    const std::string_view text = header.substr(scheme.size());
    std::array<unsigned char, max_header_bytes> bytes{};
    int size = ::EVP_DecodeBlock(bytes.data(),
                                 reinterpret_cast<const unsigned char*>(text.data()),
                                 static_cast<int>(text.size()));
    // OpenSSL counts the padding as decoded bytes.
    for (std::size_t i = text.size(); size > 0 && i > 0 && text[i - 1] == '='; --i) {
        --size;
    }
    std::optional<secret> credentials;
    // 0 or negative: not base64.
    if (size > 0) {
        credentials.emplace(std::string_view(reinterpret_cast<const char*>(bytes.data()),
                                             static_cast<std::size_t>(size)));
    }
    OPENSSL_cleanse(bytes.data(), bytes.size());
    return credentials;
}

} // namespace

bool matches_bcrypt(std::string_view password, std::string_view hash) {
    // libcrypt reads up to a zero byte: a password with one would match by its beginning alone.
    if (password.find('\0') != std::string_view::npos) {
        return false;
    }
    const secret phrase(std::string(password) + '\0');
    const std::string setting(hash);
    // The state is 32 KiB: too large for the stack of a worker thread.
    const auto state = std::make_unique<crypt_data>();
    const char* const made = ::crypt_rn(phrase.reveal().data(),
                                        setting.c_str(),
                                        state.get(),
                                        static_cast<int>(sizeof(crypt_data)));
    // Errors give a null pointer or a short text like `*0`, which cannot equal a hash of full length.
    const bool same = made != nullptr && std::strlen(made) == setting.size()
                      && CRYPTO_memcmp(made, setting.data(), setting.size()) == 0;
    OPENSSL_cleanse(state.get(), sizeof(crypt_data));
    return same;
}

basic_auth::basic_auth(loop_executor loop) : loop_(std::move(loop)) {
    // A key of this process alone: remembered digests are useless outside it.
    ::RAND_bytes(key_.data(), static_cast<int>(key_.size()));
}

basic_auth::~basic_auth() = default;

void basic_auth::use(std::vector<basic_auth_user> users) {
    users_ = std::move(users);
    // Without users there is nothing to hash, so the thread starts only when it is needed.
    if (!users_.empty() && !worker_) {
        worker_ = std::make_unique<worker_thread>(loop_, "auth");
    }
}

basic_auth::digest basic_auth::digest_of(std::string_view credentials,
                                         std::string_view hash) const {
    // The bcrypt hash is part of the digest: after a change of the password the old digest no longer matches. It has a
    // fixed length, so the border between the two parts is unambiguous.
    std::string both(hash);
    both += credentials;
    digest made{};
    unsigned int size = 0;
    ::HMAC(::EVP_sha256(),
           key_.data(),
           static_cast<int>(key_.size()),
           reinterpret_cast<const unsigned char*>(both.data()),
           both.size(),
           made.data(),
           &size);
    OPENSSL_cleanse(both.data(), both.size());
    return made;
}

task<auth_outcome> basic_auth::check(std::string_view header) {
    // Malformed headers are rejected without any hash: they reveal nothing about users.
    const std::optional<secret> credentials = decode(header);
    // RFC 7617: the name ends at the first colon; the password may contain more.
    const std::size_t colon =
        credentials ? credentials->reveal().find(':') : std::string_view::npos;
    if (colon == std::string_view::npos) {
        co_return auth_outcome::refused;
    }
    const std::string_view name = credentials->reveal().substr(0, colon);
    const auto user = std::ranges::find(users_, name, &basic_auth_user::name);
    const bool known = user != users_.end();
    // For an unknown user the most expensive hash is computed, and its result is ignored: the same time as for a known
    // user.
    const auto cost = [](const basic_auth_user& one) {
        return one.hash.substr(4, 2);
    };
    const std::string hash = known ? user->hash : std::ranges::max(users_, {}, cost).hash;
    // The usual case: a scraper sends the same credentials every few seconds.
    const digest asked = digest_of(credentials->reveal(), hash);
    if (known && std::ranges::find(remembered_, asked) != remembered_.end()) {
        co_return auth_outcome::allowed;
    }
    // A flood of wrong passwords must not queue up in front of the worker.
    if (waiting_ >= max_waiting) {
        co_return auth_outcome::busy;
    }
    ++waiting_;
    // std::function copies what it captures; the shared pointer keeps one copy of the password, which is wiped.
    const auto password = std::make_shared<secret>(credentials->reveal().substr(colon + 1));
    const std::function<result<int>()> work = [password, hash] {
        return result<int>(matches_bcrypt(password->reveal(), hash) ? 1 : 0);
    };
    const result<int> matches = co_await worker_->run(work);
    --waiting_;
    if (!known || !matches || *matches == 0) {
        co_return auth_outcome::refused;
    }
    // Remember successes only, so that wrong passwords cannot push them out.
    remembered_.push_back(asked);
    if (remembered_.size() > max_remembered) {
        remembered_.pop_front();
    }
    co_return auth_outcome::allowed;
}

// A worker that computes a hash ends within the time of one hash.
bool basic_auth::stop(steady_duration patience) {
    return !worker_ || worker_->stop(patience);
}

} // namespace kallglot
