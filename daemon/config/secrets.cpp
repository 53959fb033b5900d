// The content of a secret file exists in two places: the buffer of read_file, wiped by `wiper`, and the `secret` that
// is returned. Everything in between is a view. Checks run on views, and messages describe a fault without its bytes.

#include "kallglot/config/secrets.hpp"

#include "config/file_permissions.hpp"
#include "config/secret_text.hpp"
#include "kallglot/base/text.hpp"
#include "kallglot/files/operator_file.hpp"

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
        // Does not allocate, so no copy is left behind.
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
                       // The words to find are in lower case.
                       [](char a, char b) { return ascii_lower(a) == b; })
           != text.end();
}

// Words that are placeholders only as the whole text: a real key may contain `key`.
constexpr std::array whole_placeholders = {"secret",
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
constexpr std::array placeholder_parts = {"changeme",
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
    // Marks alone are a placeholder, too.
    const auto first = std::find_if_not(text.begin(), text.end(), is_mark);
    const bool uniform = first == text.end() || std::all_of(first, text.end(), [&](char c) {
                             return c == *first || is_mark(c);
                         });
    return uniform || text.ends_with("...") || text.ends_with("\xE2\x80\xA6")
           || std::any_of(whole_placeholders.begin(),
                          whole_placeholders.end(),
                          [&](const char* word) { return ascii_iequals(text, word); })
           || std::any_of(placeholder_parts.begin(),
                          placeholder_parts.end(),
                          [&](const char* word) { return contains(text, word); });
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
    if (const std::string fault = fault_of_secret(text, use); !fault.empty()) {
        return secret_fault{fault_kind::invalid, path.string() + ' ' + fault};
    }
    if (is_placeholder(text)) {
        return secret_fault{fault_kind::invalid,
                            path.string() + " contains a placeholder, not a secret"};
    }
    // The only copy, in memory that `secret` wipes.
    secret_file good{secret(text),
                     permission_warnings(path, file_guard::secret, credentials_directory)};
    for (const std::string& warning : warnings_of_secret(text, use)) {
        good.warnings.push_back(path.string() + ' ' + warning);
    }
    return good;
}

} // namespace kallglot::config
