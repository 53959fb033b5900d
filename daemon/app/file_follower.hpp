/// Follows files that are in force, such as a certificate and its key: they are looked at every two seconds, and read
/// again once they have changed.

#ifndef KALLGLOT_APP_FILE_FOLLOWER_HPP
#define KALLGLOT_APP_FILE_FOLLOWER_HPP

#include "app/file_identity.hpp"
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
    file_group files; ///< as they were before they were read
    /// What is in them is wrong, so that reading them once more finds the same. Others could not be read just now, for
    /// want of descriptors perhaps, and are read again without a change.
    bool is_final = true;
};

/// What is in force stays so until its files can be used: a rotation may replace them one after the other, and the last
/// change makes a good set of them again. What is wrong meanwhile is told once.
///
/// Loop only. Lifetime: clock and logger outlive it.
class file_follower {
public:
    /// Reads the files again (blocking) and puts them in force, for which it calls follow() with them as they were before.
    using file_reader = std::function<std::optional<unusable_files>()>;

    /// `refusal` is what the log says about files that cannot be used.
    file_follower(clock& time, logger& log, std::string refusal, file_reader read);

    /// These are in force from now on, and looked at until stop(). There may be none.
    void follow(file_group files);

    void stop() { timer_->cancel(); }

private:
    void look();
    void tell(const std::vector<std::string>& reasons);

    clock& clock_;
    logger& log_;
    std::string refusal_;
    file_reader read_;
    file_group files_;              ///< as they were when they were read the last time
    std::vector<std::string> told_; ///< what the log has already
    std::unique_ptr<wake_timer> timer_;
};

} // namespace kallglot

#endif
