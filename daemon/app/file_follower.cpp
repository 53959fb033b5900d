#include "app/file_follower.hpp"

#include <utility>

namespace kallglot {

namespace {
/// A stat for each file is cheap, and a rotation takes effect within seconds.
constexpr seconds look_interval{2};
} // namespace

file_follower::file_follower(clock& time, logger& log, std::string refusal, file_reader read)
    : clock_(time),
      log_(log),
      refusal_(std::move(refusal)),
      read_(std::move(read)),
      timer_(make_timer<&file_follower::look>(time, *this)) {}

void file_follower::follow(file_group files) {
    files_ = std::move(files);
    // The same fault after a success is worth another message.
    logged_.clear();
    if (files_.empty()) {
        timer_->cancel();
    } else {
        timer_->wake_at(clock_.now() + look_interval);
    }
}

void file_follower::look() {
    // First, since read_() may call follow(), which sets the timer or cancels it.
    timer_->wake_at(clock_.now() + look_interval);
    // Unchanged, or changed back: the fault of a change that is gone is forgotten.
    if (files_.again() == files_) {
        logged_.clear();
        return;
    }
    // On success read_() has called follow() already.
    if (auto unusable = read_()) {
        log_once(unusable->reasons);
        // Otherwise files_ stays as it is, and the next check finds the same change.
        if (unusable->is_final) {
            files_ = std::move(unusable->files);
        }
    }
}

void file_follower::log_once(const std::vector<std::string>& reasons) {
    // A file that cannot be read is tried every two seconds.
    if (reasons == logged_) {
        return;
    }
    logged_ = reasons;
    for (const std::string& reason : reasons) {
        log_.warn(refusal_, {{"reason", reason}});
    }
}

} // namespace kallglot
