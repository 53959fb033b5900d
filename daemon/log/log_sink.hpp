/// Writing a line to a descriptor such as stderr without ever waiting for its reader.
///
/// O_NONBLOCK belongs to the open file, which stderr shares with other processes (the shell, the parent), so it is
/// never set on it. Instead a pipe or terminal is opened once more through /proc, which gives an open file of our
/// own; a socket (the journal) takes a flag with each write; a regular file does not wait for readers. There is no
/// queue and no thread: what cannot be written now is lost and counted, and nothing can hang at exit.

#ifndef KALLGLOT_LOG_LOG_SINK_HPP
#define KALLGLOT_LOG_LOG_SINK_HPP

#include <string_view>

namespace kallglot {

/// Lifetime: the descriptor stays open as long as the sink.
class log_sink {
public:
    explicit log_sink(int descriptor) noexcept;
    log_sink(const log_sink&) = delete;
    log_sink& operator=(const log_sink&) = delete;
    ~log_sink();

    /// Writes a line of at most PIPE_BUF bytes, its line end included; false if it is lost.
    ///
    /// Where the pipe cannot be opened once more (it belongs to another user), poll(2) says whether there is room;
    /// then another writer to the same pipe, at the same moment, can make this one wait.
    [[nodiscard]] bool write(std::string_view line) noexcept;

private:
    enum class method { plain, polled, socket };

    [[nodiscard]] long write_once(std::string_view bytes) noexcept;

    int descriptor_;
    int own_descriptor_ = -1;
    method method_ = method::plain;
    bool torn_ = false; // the last line was written in part
};

} // namespace kallglot

#endif
