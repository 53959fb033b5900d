// The files by which a demo or a test finds the simulator: ca.pem, api_key, sessions.txt, address.

#ifndef KALLGLOT_SIMULATOR_STATE_DIRECTORY_HPP
#define KALLGLOT_SIMULATOR_STATE_DIRECTORY_HPP

#include <string>
#include <string_view>
#include <vector>

namespace kallglot::simulator {

/// A folder with the simulator's files.
///
/// Errors:     every call throws `std::system_error` with the path
class state_directory {
public:
    /// Makes the folder if it is missing, and removes the address of an earlier run.
    explicit state_directory(std::string path);

    /// Replaces one file atomically. `secret`: only the owner may read it.
    void write(std::string_view name, std::string_view text, bool secret = false) const;

    /// Appends one line for each id to sessions.txt, in one write.
    void append_sessions(const std::vector<std::string>& ids) const;

    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

} // namespace kallglot::simulator

#endif
