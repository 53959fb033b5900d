#include "app/store_host.hpp"

namespace kallglot {

namespace {

constexpr seconds disk_patience{5};

} // namespace

store_host::store_host(loop_executor loop,
                       clock& time,
                       logger& log,
                       const store_settings& values,
                       const std::string& boot_id,
                       const task_group::failure_handler& on_bug)
    : log_(log),
      path_(values.path),
      store_(&memory_) {
    if (!values.in_memory()) {
        disk_ = std::make_unique<sqlite_store>(loop,
                                               time,
                                               store_location{values.path, boot_id},
                                               store_limits{},
                                               on_bug);
        store_ = disk_.get();
    }
}

task<result<void>> store_host::open(store_reader& reader, store_owner& owner) {
    if (disk_ == nullptr) {
        co_return result<void>();
    }
    error_code failed = co_await disk_->open();
    if (!failed) {
        tell_opening();
        open_ = true;
        failed = co_await disk_->restore(reader);
    }
    if (failed) {
        failure_ = {"store " + path_ + ": " + disk_->opening().fault.text, 1};
        co_return failed;
    }
    disk_->start(owner);
    co_return result<void>();
}

task<> store_host::close() {
    if (open_) {
        if (const error_code failed = co_await disk_->close()) {
            log_.error("the store could not be closed cleanly", {{"error", failed.message()}});
        }
    }
}

void store_host::cut() {
    if (open_) {
        disk_->leave_when_stuck_for(disk_patience);
    }
}

bool store_host::stop_worker(steady_duration patience) {
    return disk_ == nullptr || disk_->stop_worker(patience);
}

std::optional<store_snapshot> store_host::snapshot() const {
    return disk_ == nullptr ? std::nullopt : std::optional(disk_->snapshot());
}

void store_host::tell_opening() {
    const store_opening& found = disk_->opening();
    if (found.is_new) {
        log_.info("made a new store", {{"path", path_}});
    }
    if (found.writing) {
        log_.error("the store can be read but not written now", {{"reason", found.writing.text}});
    }
    if (found.damage) {
        log_.error("the store was damaged and has been repaired as well as it can be",
                   {{"reason", found.damage->reason},
                    {"kept_as", found.damage->kept_as},
                    {"saved", found.damage->saved},
                    {"unreadable", found.damage->unreadable}});
    }
}

} // namespace kallglot
