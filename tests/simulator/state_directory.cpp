#include "simulator/state_directory.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

namespace kallglot::simulator {

namespace {

[[noreturn]] void raise(const std::string& path) {
    throw std::system_error(errno, std::generic_category(), path);
}

void write_all(int file, std::string_view text, const std::string& path) {
    while (!text.empty()) {
        const ssize_t written = ::write(file, text.data(), text.size());
        if (written < 0 && errno != EINTR) {
            ::close(file);
            raise(path);
        }
        text.remove_prefix(written > 0 ? static_cast<std::size_t>(written) : 0);
    }
}

} // namespace

state_directory::state_directory(std::string path) : path_(std::move(path)) {
    std::filesystem::create_directories(path_);
    std::filesystem::remove(path_ + "/address");
}

void state_directory::write(std::string_view name, std::string_view text, bool secret) const {
    const std::string path = path_ + "/" + std::string(name);
    const std::string draft = path + ".new";
    const int file =
        ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, secret ? 0600 : 0644);
    if (file < 0) {
        raise(draft);
    }
    write_all(file, text, draft);
    ::close(file);
    if (std::rename(draft.c_str(), path.c_str()) != 0) {
        raise(path);
    }
}

void state_directory::append_sessions(const std::vector<std::string>& ids) const {
    std::string text;
    for (const std::string& id : ids) {
        text.append(id).append("\n");
    }
    const std::string path = path_ + "/sessions.txt";
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (file < 0) {
        raise(path);
    }
    write_all(file, text, path);
    ::close(file);
}

} // namespace kallglot::simulator
