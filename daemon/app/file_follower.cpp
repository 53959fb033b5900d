#include "app/file_follower.hpp"

#include "kallglot/files/operator_file.hpp"

#include <utility>

namespace kallglot {

namespace {
/// A stat for each file is cheap, and a rotation takes effect within seconds.
constexpr seconds look_interval{2};
} // namespace

// One check: the worker fills it, then the loop reads it.
struct file_follower::checking {
    file_group before;
    reading read;
    steady_time begun;
    worker_note opening;   // the file that the worker is about to open
    applier apply;         // empty: nothing has changed
    bool outdated = false; // loop only: other files are followed by now
};

file_follower::file_follower(clock& time,
                             worker& files,
                             logger& log,
                             std::string refusal,
                             file_reader read)
    : clock_(time),
      worker_(files),
      log_(log),
      refusal_(std::move(refusal)),
      read_(std::move(read)),
      timer_(make_timer<&file_follower::look>(time, *this)) {}

void file_follower::follow(file_group files) {
    files_ = std::move(files);
    // The same fault after a success is worth another message.
    logged_.clear();
    if (check_) {
        // Its result is about files that are not followed any more.
        check_->outdated = true;
    }
    if (files_.empty()) {
        timer_->cancel();
    } else {
        timer_->wake_at(clock_.now() + look_interval);
    }
}

void file_follower::look() {
    const steady_time now = clock_.now();
    timer_->wake_at(now + look_interval);
    // One check at a time, so that a file system that hangs costs one thread.
    if (check_) {
        if (!hang_logged_ && now - check_->begun >= patience) {
            hang_logged_ = true;
            log_.warn("watched file does not answer: using its last content",
                      {{"file", check_->opening.get()}});
        }
        return;
    }
    hang_logged_ = false;
    const auto check = std::make_shared<checking>();
    check->before = files_;
    // On the loop: it copies what the worker needs, so that the worker reads no member.
    check->read = read_();
    check->begun = now;
    check_ = check;
    worker_.call(
        [check] {
            const file_observer naming([&](const std::string& path) { check->opening.set(path); });
            // Identities are cheap. Contents are read only after a change.
            if (check->before.again() != check->before) {
                check->apply = check->read();
            }
        },
        // Safe although it holds `this`: the daemon is destroyed only after the loop has run out of work.
        [this, check] { finish(*check); });
}

void file_follower::finish(const checking& check) {
    check_.reset();
    if (std::exchange(hang_logged_, false)) {
        log_.info("watched file readable again", {{"file", check.opening.get()}});
    }
    // A reload has brought other files meanwhile, or the same ones again.
    if (check.outdated) {
        return;
    }
    // Unchanged, or changed back: the fault of a change that is gone is forgotten.
    if (!check.apply) {
        logged_.clear();
        return;
    }
    // On success this calls follow().
    if (auto unusable = check.apply()) {
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
