#include "config/paths.hpp"

#include <algorithm>
#include <array>
#include <climits>
#include <system_error>

namespace kallglot::config {

namespace {

// Whether an operator wrote the secret itself where the path of its file belongs, perhaps with "Bearer " before it. A
// dot after the prefix means a file name, for example sk_live_key.txt.
bool looks_like_a_secret(std::string_view text) {
    // Prefixes of keys as the API and its webhooks issue them.
    constexpr std::array<std::string_view, 3> prefixes = {"sk_live_", "sk_test_", "whsec_"};
    constexpr std::size_t min_secret_bytes = 16;
    // A PEM block, or a known prefix followed by enough characters for a key.
    return text.find("-----BEGIN") != std::string_view::npos
           || std::ranges::any_of(prefixes, [&](std::string_view prefix) {
                  const auto at = text.find(prefix);
                  // At the start, or behind a space as in `Bearer sk_live_...`. Elsewhere it is part of a path.
                  return at != std::string_view::npos && (at == 0 || text[at - 1] == ' ')
                         && text.size() - at >= min_secret_bytes
                         && text.find('.', at) == std::string_view::npos;
              });
}

// Joins folder and path. A path with `..` is not normalized: after a symbolic link, `..` leads to the parent of its
// target.
std::string join(const std::filesystem::path& folder, const std::filesystem::path& path) {
    const auto joined = folder / path;
    const bool climbs = std::ranges::find(path, "..") != path.end();
    return (climbs ? joined : joined.lexically_normal()).string();
}

// Escapes the characters that glob(7) interprets, so that a folder named tenant[1] is taken literally.
std::string without_wildcards(const std::string& folder) {
    std::string escaped;
    for (const char c : folder) {
        if (std::string_view("*?[\\").find(c) != std::string_view::npos) {
            escaped += '\\';
        }
        escaped += c;
    }
    return escaped;
}

} // namespace

parsed<std::string> read_path(std::string_view text, const std::filesystem::path& folder) {
    if (text.empty()) {
        return parse_error{"must be the path of a file, not an empty string"};
    }
    // The message must not repeat the text: it goes to the log.
    if (looks_like_a_secret(text)) {
        return parse_error{"must be the path of a file, not the secret itself"};
    }
    std::string path = join(folder, text);
    // The kernel would reject it at every use; here the fault has a line.
    if (path.size() >= PATH_MAX) {
        return parse_error{"path is too long"};
    }
    return path;
}

std::string why_not_a_file(const std::filesystem::path& path, const std::filesystem::path& folder) {
    // Prefixes that give a secret away are refused by read_path(); other secrets are only long.
    constexpr std::size_t min_characters = 20;
    const std::string name = path.filename().string();
    std::error_code ignored;
    const bool looks_like_a_name = name.size() < min_characters
                                   || name.find('.') != std::string::npos
                                   // A text with a slash was meant as a path.
                                   || path.parent_path() != folder;
    if (looks_like_a_name || std::filesystem::exists(path, ignored)) {
        return {};
    }
    return "must be the path of a file: there is no such file, and the text looks like the secret "
           "itself";
}

parsed<std::string> read_glob(std::string_view text, const std::filesystem::path& folder) {
    return read_path(text, without_wildcards(folder.string()));
}

} // namespace kallglot::config
