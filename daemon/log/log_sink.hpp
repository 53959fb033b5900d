/// Non-blocking writer of log lines to a descriptor, usually stderr.
///
/// O_NONBLOCK is a property of the open file, which stderr shares with other processes (the shell, the parent), so it
/// is never set there. A pipe or terminal is opened again through /proc, which gives an open file of its own. A socket
/// (the journal) has a flag for each write. A regular file has no reader to wait for. There is no queue and no thread:
/// a line that cannot be written now is dropped, and nothing can block at exit.

#ifndef KALLGLOT_LOG_LOG_SINK_HPP
#define KALLGLOT_LOG_LOG_SINK_HPP

#include <string_view>

namespace kallglot {

/// Lifetime: the descriptor outlives the sink.
class log_sink {
public:
    explicit log_sink(int descriptor) noexcept;
    log_sink(const log_sink&) = delete;
    log_sink& operator=(const log_sink&) = delete;
    ~log_sink();

    /// Writes a line of at most PIPE_BUF bytes including its line end; false if the line is dropped.
    ///
    /// A pipe of another user cannot be opened again. Then poll(2) checks for room before each write; if another
    /// process fills the pipe between the two, the write can block.
    [[nodiscard]] bool write(std::string_view line) noexcept;

private:
    enum class method {
        plain,  // write(2): regular files, and pipes with an open file of our own
        polled, // poll(2), then write(2): pipes that cannot be opened again
        socket  // send(2) with MSG_DONTWAIT
    };

    [[nodiscard]] long write_once(std::string_view bytes) noexcept;

    int descriptor_;
    int own_descriptor_ = -1;
    method method_ = method::plain;
    bool torn_ = false; // the last line was written only in part
};

} // namespace kallglot

#endif
