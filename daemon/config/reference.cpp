#include "kallglot/config/reference.hpp"

#include "config/schema.hpp"
#include "config/schema_values.hpp"

#include <string_view>
#include <variant>
#include <vector>

namespace kallglot::config {

namespace {

// The only key without a default, so the only one that the example does not comment out.
constexpr std::string_view required_key = "api.key_file";

// `poll.intervals.created` as its three parts.
std::vector<std::string_view> split_path(std::string_view path) {
    std::vector<std::string_view> parts;
    for (auto dot = path.find('.'); dot != std::string_view::npos; dot = path.find('.')) {
        parts.push_back(path.substr(0, dot));
        path.remove_prefix(dot + 1);
    }
    parts.push_back(path);
    return parts;
}

// Tracks the open sections while a document follows the order of the schema.
class section_tracker {
public:
    // Calls `open(depth, name)` for each section that begins; returns the depth of the key itself.
    template <class Open>
    std::size_t enter(const std::vector<std::string_view>& parts, Open open) {
        // Sections that this key shares with the one before stay open; the others are closed, new ones opened.
        std::size_t depth = 0;
        while (depth + 1 < parts.size() && depth < open_.size() && open_[depth] == parts[depth]) {
            ++depth;
        }
        // A section that is left cannot come again, because the schema lists the keys of a section together.
        open_.resize(depth);
        for (; depth + 1 < parts.size(); ++depth) {
            open(depth, parts[depth]);
            open_.push_back(parts[depth]);
        }
        return depth;
    }

private:
    std::vector<std::string_view> open_;
};

// A text as comment lines of at most 100 columns, broken at spaces.
std::string comment(std::string_view text, const std::string& indentation) {
    // `# ` takes two of the hundred columns.
    const std::size_t width = 98 - indentation.size();
    std::string lines;
    while (!text.empty()) {
        auto cut = text.size();
        if (cut > width) {
            // Help texts have no word of a hundred characters, so there is always a space.
            cut = text.rfind(' ', width);
        }
        lines += indentation + "# " + std::string(text.substr(0, cut)) + '\n';
        text.remove_prefix(cut == text.size() ? cut : cut + 1);
    }
    return lines;
}

// Removes the backquotes that mark code in Markdown; in a YAML comment they are noise.
std::string without_marks(std::string_view text) {
    std::string plain(text);
    std::erase(plain, '`');
    return plain;
}

// `key: value`, or `key:` for an unset optional value.
std::string with_value(std::string_view key, const std::string& value) {
    return std::string(key) + ':' + (value.empty() ? "" : " " + value);
}

// Escapes the vertical bar, which would begin the next cell of a table.
std::string cell(std::string_view text) {
    std::string escaped;
    for (const char c : text) {
        // GitHub's Markdown splits cells before it looks for code, so backquotes do not protect it.
        escaped += c == '|' ? std::string("\\|") : std::string(1, c);
    }
    return escaped;
}

// A value as code in Markdown; nothing stays nothing.
std::string code(const std::string& text) {
    return text.empty() ? std::string() : '`' + cell(text) + '`';
}

} // namespace

// Two spaces of indentation for each level, as in all documents.
std::string effective_yaml(const settings& values) {
    std::string text;
    section_tracker sections;
    for (const key_spec& key : schema()) {
        const auto parts = split_path(key.path);
        // Section headers are written when their first key comes.
        const auto depth = sections.enter(parts, [&](std::size_t level, std::string_view name) {
            text += std::string(2 * level, ' ') + std::string(name) + ":\n";
        });
        const std::string value = print_value(key.binding, values);
        text += std::string(2 * depth, ' ') + with_value(parts.back(), value);
        // Reminds readers of /config that there is a value, which is never shown.
        // An empty list names no secret.
        if (names_secret(key.binding) && !value.empty() && value != "[]") {
            text += " # content: <secret>";
        }
        text += '\n';
    }
    return text;
}

std::string example_yaml() {
    const settings defaults;
    std::string text =
        "# Configuration of kallglot_exporter: every key with its default.\n"
        "#\n"
        "# To change a value, remove the # in front of its key and of its section. Only "
        "api.key_file has no\n"
        "# default. All types and ranges: config/README.md, installed as\n"
        "# /usr/share/doc/kallglot-exporter/configuration.md.\n";
    section_tracker sections;
    for (const key_spec& key : schema()) {
        const auto parts = split_path(key.path);
        // Top-level sections are not commented out: empty sections are valid, and one # less to remove.
        const auto depth = sections.enter(parts, [&](std::size_t level, std::string_view name) {
            text +=
                (level == 0 ? "\n" : std::string(2 * level, ' ') + '#') + std::string(name) + ":\n";
        });
        text += depth == 0 ? "\n" : "";
        const std::string indentation = depth == 0 ? "" : "  ";
        text += comment(without_marks(key.help), indentation);
        // With this one line the example is a complete, valid configuration.
        if (key.path == required_key) {
            text += indentation + with_value(parts.back(), "api_key") + '\n';
        } else {
            const std::string inner = depth < 2 ? "" : std::string(2 * (depth - 1), ' ');
            text += indentation + '#' + inner
                    + with_value(parts.back(), print_value(key.binding, defaults)) + '\n';
        }
    }
    return text;
}

std::string reference_markdown() {
    const settings defaults;
    std::string text;
    // No section has this name, so the first key begins a table.
    std::string_view section = "?";
    for (const key_spec& key : schema()) {
        const auto parts = split_path(key.path);
        // A new table for each top-level section; keys without a section have one of their own.
        const std::string_view top = parts.size() == 1 ? std::string_view() : parts.front();
        if (top != section) {
            section = top;
            text +=
                "\n### " + (top.empty() ? std::string("Top level") : code(std::string(top)))
                + "\n\n"
                + "| key | type | default | range | change | meaning "
                  "|\n|---|---|---|---|---|---|\n";
        }
        // The default of the required key is empty, which would read as optional.
        const std::string value =
            key.path == required_key ? "required" : code(print_value(key.binding, defaults));
        const std::string change = key.on_change == change_effect::reload ? "reload" : "restart";
        text += "| `" + std::string(key.path) + "` | " + describe_type(key.binding) + " | "
                + (value.empty() ? "none" : value) + " | " + cell(describe_range(key.binding))
                + " | " + change + " | " + cell(key.help) + " |\n";
    }
    return text;
}

std::vector<std::string> secret_files(const settings& values) {
    // The accessors return writable references, so they get a copy.
    settings copy = values;
    std::vector<std::string> files;
    for (const key_spec& key : schema()) {
        if (const auto* const one = std::get_if<file_value>(&key.binding)) {
            // Certificates are named by file_value as well, and are no secrets.
            if (one->holds_secret && !one->at(copy).empty()) {
                files.push_back(one->at(copy));
            }
        } else if (const auto* const list = std::get_if<file_list_value>(&key.binding)) {
            if (list->holds_secrets) {
                files.insert(files.end(), list->at(copy).begin(), list->at(copy).end());
            }
        }
    }
    return files;
}

} // namespace kallglot::config
