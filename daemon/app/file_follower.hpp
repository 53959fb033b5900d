/// Follows files that are in force, for example a certificate and its key: checks them every two seconds and reads them
/// again after a change.
///
/// A worker checks and reads. While a file system does not answer, the content in force stays, and one warning names the
/// file.

#ifndef KALLGLOT_APP_FILE_FOLLOWER_HPP
#define KALLGLOT_APP_FILE_FOLLOWER_HPP

#include "app/file_identity.hpp"
#include "kallglot/async/worker_thread.hpp"
#include "kallglot/base/time.hpp"
#include "kallglot/ports/clock.hpp"
#include "kallglot/ports/logger.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kallglot {

/// Why files that changed cannot be used.
struct unusable_files {
    std::vector<std::string> reasons;
    file_group files; ///< their state before they were read
    /// True: the content is invalid, and is not read again before a change. False: the files could not be read, perhaps for
    /// lack of descriptors, and are read again at the next check.
    bool is_final = true;
};

/// The present content stays in force until the new files are usable: a rotation may replace them one after the other, and
/// only the last change makes them fit together. Each fault meanwhile is logged once.
///
/// Loop only. Lifetime: clock, logger and worker outlive it; the loop does not run after its end.
class file_follower {
public:
    /// Applies on the loop what was read: then it calls follow() with the state of the files before reading.
    using applier = std::function<std::optional<unusable_files>()>;
    /// Reads the files again (blocking), on the worker; it owns what it uses.
    using reading = std::function<applier()>;
    /// Returns, on the loop, the reading of the files that are in force now.
    using file_reader = std::function<reading()>;

    /// How long a file may take to answer before that is logged.
    static constexpr seconds patience{5};

    /// `refusal` is the log message for files that cannot be used.
    file_follower(clock& time, worker& files, logger& log, std::string refusal, file_reader read);

    /// These files are in force from now on, and checked until stop(). The group may be empty.
    void follow(file_group files);

    void stop() { timer_->cancel(); }

private:
    struct checking;

    void look();
    void finish(const checking& check);
    void log_once(const std::vector<std::string>& reasons);

    clock& clock_;
    worker& worker_;
    logger& log_;
    std::string refusal_;
    file_reader read_;
    file_group files_;                ///< their state when they were last read
    std::vector<std::string> logged_; ///< the reasons of the latest failure
    std::shared_ptr<checking> check_; ///< in progress on the worker
    bool hang_logged_ = false;        ///< of the check in progress
    std::unique_ptr<wake_timer> timer_;
};

} // namespace kallglot

#endif
