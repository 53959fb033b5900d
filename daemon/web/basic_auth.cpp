// Four properties shape this file. A bcrypt hash takes milliseconds, so it runs on a worker thread and its result is
// remembered. Every wrong login takes the same time, so that timing does not reveal names. The next login is chosen by
// its network, so that a flood of wrong logins does not lock out others. Passwords exist only in buffers that are
// wiped.

#include "web/basic_auth.hpp"

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
    // `credentials` has a copy of its own, which `secret` wipes; this one would stay on the stack.
    OPENSSL_cleanse(bytes.data(), bytes.size());
    return credentials;
}

/// Where the two digits of the cost are: `$2y$12$...`. The web configuration has checked the form.
constexpr std::size_t cost_at = 4;

int cost_of(std::string_view hash) {
    return (hash[cost_at] - '0') * 10 + (hash[cost_at + 1] - '0');
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

bool matches_in_equal_time(std::string_view password,
                           std::string_view hash,
                           std::string_view costliest) {
    if (matches_bcrypt(password, hash)) {
        return true;
    }
    // A hash of cost c takes 2^c rounds. Those of c, c + 1, ... up to one below the highest cost add up to the rounds
    // that are missing.
    const int highest = cost_of(costliest);
    for (int cost = cost_of(hash); cost < highest; ++cost) {
        std::string filler(costliest);
        filler[cost_at] = static_cast<char>('0' + cost / 10);
        filler[cost_at + 1] = static_cast<char>('0' + cost % 10);
        static_cast<void>(matches_bcrypt(password, filler));
    }
    return false;
}

/// One login from its place in the queue to the end of its hash. Its end lets the next login go on, also if its task is
/// destroyed.
class basic_auth::waiting_login : public login_queue::login {
public:
    enum class state { waiting, displaced, hashing };

    waiting_login(basic_auth& owner, const peer_network& network)
        : login{network},
          wake(owner.loop_, steady_timer::time_point::max()),
          owner_(owner) {}

    waiting_login(const waiting_login&) = delete;
    waiting_login& operator=(const waiting_login&) = delete;

    ~waiting_login() {
        // Its turn may not have come yet; then the queue must not keep a pointer to it.
        owner_.queue_.remove(*this);
        if (now == state::hashing) {
            // The turn passes on only here, so it also passes on when the task of this login is cancelled.
            owner_.is_hashing_ = false;
            owner_.begin_next();
        }
    }

    /// Ends the wait.
    void become(state next) {
        now = next;
        // Cancelling the wait is the signal: the timer itself never expires.
        wake.cancel();
    }

    steady_timer wake; ///< never expires
    state now = state::waiting;

private:
    basic_auth& owner_;
};

basic_auth::basic_auth(loop_executor loop, const clock& time)
    : loop_(std::move(loop)),
      clock_(time) {
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

std::string basic_auth::costliest_hash() const {
    return std::ranges::max(users_,
                            {},
                            [](const basic_auth_user& one) { return cost_of(one.hash); })
        .hash;
}

// Waits until the worker is free for this login. False: others displaced it, or the task was cancelled.
task<bool> basic_auth::wait_for_turn(waiting_login* mine) {
    login_queue::login* const leaves = queue_.add(*mine, networks_, clock_.now());
    if (leaves != nullptr) {
        static_cast<waiting_login*>(leaves)->become(waiting_login::state::displaced);
    }
    // The worker may be free already. Then this login has its turn before it waits at all.
    begin_next();
    while (mine->now == waiting_login::state::waiting) {
        // Ends by become(), or by the cancellation of the task. The next lines find out which.
        co_await mine->wake.async_wait(as_tuple);
        const asio::cancellation_state cancelled = co_await asio::this_coro::cancellation_state;
        if (cancelled.cancelled() != asio::cancellation_type::none) {
            co_return false;
        }
    }
    co_return mine->now == waiting_login::state::hashing;
}

// Gives the free worker to the login that is next.
void basic_auth::begin_next() {
    if (is_hashing_) {
        return;
    }
    if (login_queue::login* const next = queue_.take_next(networks_, clock_.now())) {
        is_hashing_ = true;
        static_cast<waiting_login*>(next)->become(waiting_login::state::hashing);
    }
}

task<auth_outcome> basic_auth::check(std::string_view header, peer_network from) {
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
    // For an unknown user the most expensive hash is computed, and its result is ignored.
    // A copy, as `hash` below: a reload may replace the users while this login waits. There is at least one user,
    // since the gate asks only then.
    const std::string costliest = costliest_hash();
    const std::string hash = known ? user->hash : costliest;
    // The usual case: a scraper sends the same credentials every few seconds.
    const digest asked = digest_of(credentials->reveal(), hash);
    if (known && std::ranges::find(remembered_, asked) != remembered_.end()) {
        co_return auth_outcome::allowed;
    }
    // A flood of wrong passwords must not queue up in front of the worker. Already the attempt counts: right after a start
    // no network is known for wrong logins.
    networks_.charge(from, clock_.now());
    waiting_login mine(*this, from);
    const bool is_my_turn = co_await wait_for_turn(&mine);
    if (!is_my_turn) {
        co_return auth_outcome::busy;
    }
    // std::function copies what it captures; the shared pointer keeps one copy of the password, which is wiped.
    const auto password = std::make_shared<secret>(credentials->reveal().substr(colon + 1));
    const std::function<result<int>()> work = [password, hash, costliest] {
        return result<int>(matches_in_equal_time(password->reveal(), hash, costliest) ? 1 : 0);
    };
    const result<int> matches = co_await worker_->run(work);
    // No answer of the worker: the daemon stops, or the connection has ended.
    if (!matches) {
        co_return auth_outcome::busy;
    }
    if (!known || *matches == 0) {
        co_return auth_outcome::refused;
    }
    // The right password takes back the charge, and those of wrong attempts from the same network before it.
    networks_.restore(from);
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
