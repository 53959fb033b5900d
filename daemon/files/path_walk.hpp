/// Opens a file component by component and follows only symbolic links that can be trusted.
///
/// The kernel's own walk follows every link, and a check of the links before or after it would race with their
/// replacement. Here each step starts at the folder that the step before has opened.

#ifndef KALLGLOT_FILES_PATH_WALK_HPP
#define KALLGLOT_FILES_PATH_WALK_HPP

#include "kallglot/files/operator_file.hpp"

#include <sys/stat.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kallglot {

/// One walk along one absolute path. Any thread.
class path_walk {
public:
    explicit path_walk(std::string_view path) { push(path); }

    /// Errors: errno; 0 if a link is not trusted, or the file was replaced meanwhile. `reason` is set in both cases.
    [[nodiscard]] opened_file open(int flags);

private:
    // A link that was followed, until its target is reached.
    struct link {
        uid_t owner;
        std::size_t rest; // components that are left when the target is reached
    };

    enum class step_kind : std::uint8_t { node, link, failed };

    void push(std::string_view path);
    [[nodiscard]] step_kind step(const std::string& name);
    [[nodiscard]] bool follow(const file_descriptor& found, uid_t owner);
    [[nodiscard]] bool trusts_links();

    std::vector<std::string> rest_; // components still to be walked, the next one last
    std::vector<std::string> real_; // components of the real path so far
    std::vector<link> links_;
    std::size_t followed_ = 0;
    file_descriptor folder_; // where the next component is looked up
    file_descriptor found_;  // the component that was looked up last
    struct stat status_{};   // of found_
};

} // namespace kallglot

#endif
