#include "kallglot/runtime/key_watch.hpp"

#include "kallglot/config/secrets.hpp"

#include <openssl/crypto.h>

#include <string_view>
#include <utility>
#include <variant>

namespace kallglot {

namespace {
constexpr steady_duration look_interval = std::chrono::seconds(2);

bool is_same(const secret& a, const secret& b) noexcept {
    const std::string_view one = a.reveal();
    const std::string_view other = b.reveal();
    return one.size() == other.size() && CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

} // namespace

key_watch::key_watch(clock& time, logger& log, key_taker take)
    : clock_(time),
      log_(log),
      take_(std::move(take)),
      timer_(time.make_timer([](void* self) { static_cast<key_watch*>(self)->look(); }, this)) {}

void key_watch::use(std::filesystem::path file, const secret& key) {
    file_ = std::move(file);
    seen_ = file_identity::of(file_.native());
    told_.clear();
    const auto outcome = config::read_secret_file(file_, config::secret_use::header, {});
    const auto* const found = std::get_if<config::secret_file>(&outcome);
    if (found == nullptr || !is_same(found->value, key)) {
        seen_.reset();
    }
}

void key_watch::start() {
    timer_->wake_at(clock_.now() + look_interval);
}

void key_watch::look() {
    timer_->wake_at(clock_.now() + look_interval);
    const auto now = file_identity::of(file_.native());
    // A file that could not be read just now, for want of descriptors perhaps, is looked at again.
    if (now && now != seen_ && read()) {
        seen_ = now;
    }
}

bool key_watch::read() {
    // Whether others can read it was said at the start.
    const auto outcome = config::read_secret_file(file_, config::secret_use::header, {});
    if (const auto* const fault = std::get_if<config::secret_fault>(&outcome)) {
        if (told_ != fault->message) {
            log_.warn("the changed API key is not used", {{"reason", fault->message}});
            told_ = fault->message;
        }
        return fault->kind == config::fault_kind::invalid;
    }
    told_.clear();
    if (take_(std::get<config::secret_file>(outcome).value)) {
        log_.info("the API key was read anew", {{"file", file_.native()}});
    }
    return true;
}

} // namespace kallglot
