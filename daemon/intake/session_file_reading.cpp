#include "intake/session_file_reading.hpp"

#include "intake/regular_file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>

namespace kallglot {

namespace {
// Several lines: a file with other ids differs here. A change further up is found by the next full reading.
constexpr std::size_t compared_bytes = 64;
} // namespace

void session_file_reading::open(const std::string& path,
                                std::size_t known_end,
                                const secret_identities& secrets) {
    // Session files may lie in a folder that other users can write; a link there must not make the daemon read its
    // own secrets.
    file_ = open_operator_file(path, link_rule::same_owner);
    if (!file_.descriptor.is_open()) {
        error_ = file_.error;
        problem_ = file_.reason;
        return;
    }
    // On the descriptor: the path may lead elsewhere by now.
    problem_ = why_secret(file_, secrets);
    if (problem_.empty()) {
        last_bytes_ = hash_before(known_end);
    }
}

void session_file_reading::read_on_from(std::size_t position, const session_list_parser& parser) {
    whole = false;
    position_ = position;
    // The state within a line: the old end may be in the middle of an id.
    parser_ = parser;
}

void session_file_reading::advance() {
    batch_.clear();
    // The slice ends by bytes too: comments and bad lines give no ids.
    const std::size_t start = position_;
    while (batch_.size() < batch_size) {
        // The buffer is used up: end the slice, or read the next piece.
        if (used_ == buffer_.size()) {
            if (position_ - start >= slice_bytes || !refill()) {
                return;
            }
        }
        // The parser stops when the batch is full, so the rest of the buffer stays for the next slice.
        const std::string_view rest(buffer_.data() + used_, buffer_.size() - used_);
        used_ += parser_.write(rest, batch_, batch_size);
    }
}

// Reads the next bytes, up to the file's size at open(); the next reading gets what is appended meanwhile. False at the
// end and after an error.
bool session_file_reading::refill() {
    const auto size = static_cast<std::size_t>(file_.status.st_size);
    buffer_.resize(size > position_ ? std::min(slice_bytes, size - position_) : 0);
    used_ = 0;
    const ssize_t got =
        buffer_.empty()
            ? 0
            : read_at(file_.descriptor.number(), buffer_.data(), buffer_.size(), position_);
    if (got < 0) {
        fail(errno);
        buffer_.clear();
        return false;
    }
    // Fewer bytes than asked for: the file was cut meanwhile. The next read gets 0 and ends the reading.
    buffer_.resize(static_cast<std::size_t>(got));
    position_ += static_cast<std::size_t>(got);
    at_end_ = got == 0;
    if (at_end_) {
        note_end();
    }
    return !at_end_;
}

void session_file_reading::fail(int error) {
    error_ = error;
    problem_ = std::generic_category().message(error);
}

// The file may have changed during the reading. Then the next look must find a difference and read again.
void session_file_reading::note_end() {
    struct stat after{};
    const bool steady = ::fstat(file_.descriptor.number(), &after) == 0
                        && same_content(after, file_.status)
                        && static_cast<std::size_t>(after.st_size) == position_;
    // A write within the grain of the stamps can still come without a new stamp: such a file is read again soon.
    settled_ = steady && !just_written(after);
    last_bytes_ = hash_before(position_);
}

std::uint64_t session_file_reading::hash_before(std::size_t end) const {
    std::array<char, compared_bytes> bytes{};
    // A shorter file is compared as a whole.
    const std::size_t size = std::min(bytes.size(), end);
    // A read error gives the hash of nothing; then the file counts as changed and is read whole.
    const ssize_t got = read_at(file_.descriptor.number(), bytes.data(), size, end - size);
    return hash_of(std::string_view(bytes.data(), got > 0 ? static_cast<std::size_t>(got) : 0));
}

} // namespace kallglot
