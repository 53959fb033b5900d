#include "kallglot/config/environment.hpp"

#include <cstdlib>
#include <string_view>

namespace kallglot::config {

namespace {

std::string_view variable(const char* name) {
    // At the start, before any other thread exists: getenv is not safe beside a setenv.
    const char* const text = std::getenv(name);
    return text == nullptr ? std::string_view() : std::string_view(text);
}

} // namespace

environment environment::from_process() {
    // systemd gives several state directories separated by colons; the unit has one, and the first is the daemon's.
    const std::string_view states = variable("STATE_DIRECTORY");
    environment read;
    read.credentials_directory = variable("CREDENTIALS_DIRECTORY");
    read.state_directory = states.substr(0, states.find(':'));
    read.boot_id = variable("KALLGLOT_BOOT_ID");
    read.journal_stream = variable("JOURNAL_STREAM");
    read.ssl_cert_file = variable("SSL_CERT_FILE");
    read.ssl_cert_dir = variable("SSL_CERT_DIR");
    return read;
}

} // namespace kallglot::config
