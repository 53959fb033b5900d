/// The one way in which the daemon opens and reads a small file that the operator names: configuration, secrets,
/// certificates. Session files are read in slices (intake/session_file).
///
/// Only regular files are opened. Opening a pipe waits for its writer and a device may never end, so both are errors.

#ifndef KALLGLOT_FILES_OPERATOR_FILE_HPP
#define KALLGLOT_FILES_OPERATOR_FILE_HPP

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace kallglot {

/// Owns a file descriptor.
class file_descriptor {
public:
    file_descriptor() = default;

    explicit file_descriptor(int number) noexcept : number_(number) {}

    file_descriptor(file_descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}

    file_descriptor& operator=(file_descriptor&& other) noexcept;
    ~file_descriptor();

    [[nodiscard]] bool is_open() const noexcept { return number_ >= 0; }

    [[nodiscard]] int number() const noexcept { return number_; }

private:
    int number_ = -1;
};

/// Which symbolic links are followed on the way to a file.
enum class link_rule : std::uint8_t {
    all,
    /// Those of root, and those that have the owner of what they lead to. A program that may write into a folder could
    /// otherwise make the daemon read what only the daemon may read.
    same_owner,
};

/// The result of opening a file: `reason` is empty on success.
struct opened_file {
    file_descriptor descriptor;
    struct stat status{};  ///< of the descriptor; valid if the file exists and could be opened
    std::string real_path; ///< without links; with link_rule::same_owner only
    int error = 0;         ///< errno; 0 if the file was opened, and if it is refused for what it is
    std::string reason;    ///< for example `it is a directory`, without the path
};

/// Opens a regular file for reading. Any thread. With link_rule::same_owner the path is absolute.
///
/// Cost: blocks while the file system does not answer, never on a pipe, a device or a terminal.
[[nodiscard]] opened_file open_operator_file(const std::filesystem::path& path,
                                             link_rule links = link_rule::all);

/// While it exists, `opening` is called with each file that this thread is about to open. So another thread can name
/// the file that does not answer. One a thread.
class file_observer {
public:
    explicit file_observer(std::function<void(const std::string& path)> opening);
    ~file_observer();
    file_observer(const file_observer&) = delete;
    file_observer& operator=(const file_observer&) = delete;

    /// Notifies the observer of this thread, if there is one.
    static void notify(const std::string& path);

private:
    std::function<void(const std::string& path)> opening_;
};

/// The result of reading a file: `reason` is empty on success.
struct file_contents {
    std::vector<char> bytes;
    bool too_large = false; ///< longer than the limit; `bytes` is empty, `reason` set
    std::string reason;     ///< for example `No such file or directory`, without the path
};

/// Reads a regular file of at most `limit` bytes. Any thread. Cost: as open_operator_file().
[[nodiscard]] file_contents read_file(const std::filesystem::path& path, std::size_t limit);

/// Checks that a regular file can be opened for reading. Empty, or the reason why not.
[[nodiscard]] std::string check_readable(const std::filesystem::path& path);

} // namespace kallglot

#endif
