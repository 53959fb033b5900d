// The web configuration has nested maps with few keys, so its reader is a list of (key, function) pairs for each map,
// and not a schema as for the main configuration.

#include "config/map_reader.hpp"

#include "config/paths.hpp"
#include "config/units.hpp"

#include <algorithm>
#include <set>

namespace kallglot::config {

namespace {

using node_kind = yaml_node::kind_type;

// yaml_tree allows line breaks in this file for PEM texts, so the other values are checked here.
bool has_line_break(const yaml_node& node) {
    return node.text.find('\n') != std::string::npos;
}

} // namespace

map_reader::map_reader(std::string_view name, const std::filesystem::path& folder)
    : folder_(folder),
      faults_(name) {}

void map_reader::fail(std::size_t line, std::string_view path, std::string_view message) {
    faults_.add(line, path, message);
}

std::vector<config_fault> map_reader::take_faults() {
    return faults_.take();
}

void map_reader::read_map(const yaml_node& map,
                          const std::string& prefix,
                          std::span<const field> fields) {
    // `tls_server_config:` without keys is allowed, as in exporter-toolkit.
    if (map.kind == node_kind::null) {
        return;
    }
    if (map.kind != node_kind::map) {
        fail(map.line, prefix, "must be a section with keys");
        return;
    }
    // Views into the tree, which outlives this function.
    std::set<std::string_view> seen;
    for (const yaml_entry& entry : map.entries) {
        const std::string_view key = entry.key.text;
        const std::string path = prefix.empty() ? entry.key.text : prefix + '.' + entry.key.text;
        // A handful of keys: a search in a list is simpler than a map of functions.
        const auto known = std::ranges::find(fields, key, &field::first);
        // The key is checked before its value: a reader runs only for a known key, and once.
        if (entry.key.kind != node_kind::scalar) {
            fail(entry.key.line, prefix, "invalid key: must be a plain word");
        } else if (!seen.insert(key).second) {
            fail(entry.key.line, path, "repeated key");
        } else if (known == fields.end()) {
            fail(entry.key.line, path, "unknown key");
        } else {
            known->second(entry.value, path);
        }
    }
}

map_reader::field_reader map_reader::text_to(std::string& into, yaml_texts allowed) {
    // `into` outlives the reader, which runs within the read_map() call that follows.
    return [=, this, &into](const yaml_node& value, const std::string& path) {
        if (value.kind == node_kind::map || value.kind == node_kind::sequence) {
            fail(value.line, path, "must be a string");
        } else if (allowed == yaml_texts::on_one_line && has_line_break(value)) {
            fail(value.line, path, "must be a string on one line");
        } else {
            // A missing value is an empty string.
            into = value.text;
        }
    };
}

// PEM text in the file itself has line breaks; everything else is on one line.
map_reader::field_reader map_reader::pem_to(std::string& into) {
    return text_to(into, yaml_texts::with_line_breaks);
}

map_reader::field_reader map_reader::file_to(std::string& into) {
    return [this, &into](const yaml_node& value, const std::string& path) {
        // First as a string, with its faults; then as a path, which must not be a secret.
        std::string text;
        text_to(text)(value, path);
        if (text.empty()) {
            return;
        }
        if (auto file = read_path(text, folder_)) {
            into = std::move(*file);
        } else {
            fail(value.line, path, file.error());
        }
    };
}

map_reader::field_reader map_reader::flag_to(bool& into) {
    return [this, &into](const yaml_node& value, const std::string& path) {
        // Go programs read this file with a parser of YAML 1.1. In quotes a word is a string for them too.
        const auto flag = parse_flag(value.text, flag_words::yaml_1_1);
        if (value.kind != node_kind::scalar || value.quoted || !flag) {
            fail(value.line, path, "must be true or false");
        } else {
            into = *flag;
        }
    };
}

void map_reader::read_list(const yaml_node& value,
                           const std::string& path,
                           const std::function<void(const yaml_node& item)>& take) {
    if (value.kind == node_kind::null) {
        return;
    }
    if (value.kind != node_kind::sequence) {
        fail(value.line, path, "must be a list");
        return;
    }
    // Nested lists and maps are faults of their own lines; the other items are still read.
    for (const yaml_node& item : value.items) {
        if (item.kind == node_kind::scalar && !has_line_break(item)) {
            take(item);
        } else {
            fail(item.line, path, "must be a list of strings");
        }
    }
}

} // namespace kallglot::config
