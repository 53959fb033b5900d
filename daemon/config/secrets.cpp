// The content of a secret file exists in two places: the buffer of read_file, wiped by `wiper`, and the `secret` that
// is returned. Everything in between is a view. Checks run on views, and messages describe a fault without its bytes.

#include "kallglot/config/secrets.hpp"

#include "config/file_reading.hpp"
#include "kallglot/base/ascii.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <utility>

namespace kallglot::config {

namespace {

// Wipes a buffer at the end of its scope, also on an early return.
class wiper {
public:
    explicit wiper(std::vector<char>& bytes) noexcept : bytes_(bytes) {}

    wiper(const wiper&) = delete;
    wiper& operator=(const wiper&) = delete;

    ~wiper() {
        // The vector was larger while the file was read; wipe its whole capacity.
        bytes_.resize(bytes_.capacity());
        if (!bytes_.empty()) {
            ::explicit_bzero(bytes_.data(), bytes_.size());
        }
    }

private:
    std::vector<char>& bytes_;
};

// Editors and `echo` append a line end, which is never part of a secret.
std::string_view without_line_end(std::string_view text) {
    while (text.ends_with('\n') || text.ends_with('\r')) {
        text.remove_suffix(1);
    }
    return text;
}

// Case-insensitive search without a copy, because the text may be a secret.
bool contains(std::string_view text, std::string_view word) {
    return std::search(text.begin(),
                       text.end(),
                       word.begin(),
                       word.end(),
                       [](char a, char b) { return ascii_lower(a) == b; })
           != text.end();
}

// The fault of the bytes, in words that do not reveal them; nullptr if they are valid.
const char* fault_of_bytes(std::string_view text, secret_use use) {
    // Each check is a mistake that operators make: saved as "UTF-8 with BOM", two keys in one file, a pasted tab.
    if (text.starts_with("\xEF\xBB\xBF")) {
        return "begins with a byte order mark: save the file as plain text without it";
    }
    if (text.find_first_of("\r\n") != std::string_view::npos) {
        return "must have exactly one line";
    }
    // `char` may be signed: bytes above 0x7F are negative then, and are no control characters.
    const bool control = std::any_of(text.begin(), text.end(), [](char c) {
        return (c >= 0 && c < ' ') || c == 0x7F;
    });
    if (control) {
        return "contains a control character";
    }
    // A line break in a header would let the secret inject further headers; a space would truncate it.
    const bool visible =
        std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F; });
    if (use == secret_use::header && !visible) {
        return "contains a space or a character not allowed in an HTTP header";
    }
    return nullptr;
}

// A warning, not a fault: containers often mount secrets readable, and a daemon that does not start raises no alerts.
std::string permission_warning(const std::filesystem::path& path,
                               mode_t mode,
                               const std::filesystem::path& credentials_directory) {
    // systemd grants access to credentials by access control lists, which appear as group permissions.
    const bool guarded =
        !credentials_directory.empty() && path.parent_path() == credentials_directory;
    // World-readable is a warning even in the credentials folder: the service manager never sets that.
    if ((mode & S_IROTH) != 0) {
        return path.string() + " is readable by all users: chmod 0400 it";
    }
    if ((mode & S_IRGRP) != 0 && !guarded) {
        return path.string() + " is readable by its group: chmod 0400 it";
    }
    return {};
}

} // namespace

bool is_placeholder(std::string_view text) {
    // A placeholder often has the right prefix: sk_live_xxx.
    for (const std::string_view prefix : {"sk_live_", "sk_test_", "whsec_", "Bearer "}) {
        if (text.starts_with(prefix)) {
            text.remove_prefix(prefix.size());
        }
    }
    // `<your key>` and `{{ key }}`, as in documentation and templates.
    if (text.empty() || (text.front() == '<' && text.back() == '>')
        || (text.front() == '{' && text.back() == '}')) {
        return true;
    }
    // One repeated character with punctuation: xxx, ****, 0000, xxxx-xxxx.
    const auto is_mark = [](char c) {
        return c == '-' || c == '_' || c == '.';
    };
    const auto first = std::find_if_not(text.begin(), text.end(), is_mark);
    const bool uniform = first == text.end() || std::all_of(first, text.end(), [&](char c) {
                             return c == *first || is_mark(c);
                         });
    // Words that are placeholders only as the whole text: a real key may contain `key`.
    constexpr std::array whole = {"secret",
                                  "password",
                                  "passwd",
                                  "todo",
                                  "tbd",
                                  "key",
                                  "token",
                                  "api_key",
                                  "apikey",
                                  "api-key",
                                  "none",
                                  "null",
                                  "example"};
    // Words that no generated secret contains.
    constexpr std::array parts = {"changeme",
                                  "change_me",
                                  "change-me",
                                  "change me",
                                  "placeholder",
                                  "replaceme",
                                  "replace_me",
                                  "replace-me",
                                  "replace with",
                                  "your_",
                                  "your-",
                                  "your key",
                                  "your secret",
                                  "your token",
                                  "yourkey",
                                  "insert_",
                                  "insert-",
                                  "insert your"};
    return uniform || text.ends_with("...") || text.ends_with("\xE2\x80\xA6")
           || std::any_of(whole.begin(),
                          whole.end(),
                          [&](const char* word) { return ascii_iequals(text, word); })
           || std::any_of(parts.begin(), parts.end(), [&](const char* word) {
                  return contains(text, word);
              });
}

secret_result read_secret_file(const std::filesystem::path& path,
                               secret_use use,
                               const std::filesystem::path& credentials_directory) {
    file_contents contents = read_file(path, max_secret_size_bytes);
    const wiper wipe(contents.bytes);
    // A missing file may appear later, so a restart can help; a file that is too large will not shrink.
    if (!contents.reason.empty()) {
        const auto kind = contents.too_large ? fault_kind::invalid : fault_kind::unavailable;
        return secret_fault{kind, "cannot read " + path.string() + ": " + contents.reason};
    }
    // A view into the buffer, which lives until the end of this function.
    const auto text = without_line_end({contents.bytes.data(), contents.bytes.size()});
    // An empty key would make every request unauthorized, an empty webhook secret would be guessable.
    if (text.empty()) {
        return secret_fault{fault_kind::invalid, path.string() + " is empty"};
    }
    if (const char* fault = fault_of_bytes(text, use)) {
        return secret_fault{fault_kind::invalid, path.string() + ' ' + fault};
    }
    if (is_placeholder(text)) {
        return secret_fault{fault_kind::invalid,
                            path.string() + " contains a placeholder, not a secret"};
    }
    return secret_file{secret(text),
                       permission_warning(path, contents.mode, credentials_directory)};
}

} // namespace kallglot::config
