#include "app/file_follower.hpp"

#include <utility>

namespace kallglot {

namespace {
constexpr seconds look_interval{2};
} // namespace

file_follower::file_follower(clock& time, logger& log, std::string refusal, file_reader read)
    : clock_(time),
      log_(log),
      refusal_(std::move(refusal)),
      read_(std::move(read)),
      timer_(time.make_timer([](void* self) { static_cast<file_follower*>(self)->look(); }, this)) {
}

void file_follower::follow(file_group files) {
    files_ = std::move(files);
    told_.clear();
    if (files_.empty()) {
        timer_->cancel();
    } else {
        timer_->wake_at(clock_.now() + look_interval);
    }
}

void file_follower::look() {
    timer_->wake_at(clock_.now() + look_interval);
    if (files_.again() == files_) {
        told_.clear();
        return;
    }
    if (auto unusable = read_()) {
        tell(unusable->reasons);
        if (unusable->is_final) {
            files_ = std::move(unusable->files);
        }
    }
}

void file_follower::tell(const std::vector<std::string>& reasons) {
    if (reasons == told_) {
        return;
    }
    told_ = reasons;
    for (const std::string& reason : reasons) {
        log_.warn(refusal_, {{"reason", reason}});
    }
}

} // namespace kallglot
