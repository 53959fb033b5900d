/// Strict YAML parser: a tree of nodes with their lines.
///
/// yaml-cpp 0.7 does the parsing. Its own node type is not used: it accepts repeated keys silently, expands aliases
/// without bound and does not record quotes. Everything that a configuration does not need is rejected: anchors,
/// aliases, tags, several documents, tabs in indentation, control characters (also escaped ones, and line breaks in
/// strings), invalid UTF-8, deep nesting.

#ifndef KALLGLOT_CONFIG_YAML_TREE_HPP
#define KALLGLOT_CONFIG_YAML_TREE_HPP

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace kallglot::config {

struct yaml_entry;

/// One node; `items` belongs to sequences, `entries` to maps, `text` to scalars.
///
/// Units: `line` counts from 1.
struct yaml_node {
    enum class kind_type { null, scalar, sequence, map };

    kind_type kind = kind_type::null;
    bool quoted = false; ///< a scalar in quotes or a block: a string, never a number
    std::size_t line = 0;
    std::string text;
    std::vector<yaml_node> items;
    std::vector<yaml_entry> entries; ///< in order, including repeated keys
};

struct yaml_entry {
    yaml_node key;
    yaml_node value;
};

/// A fault of the text itself, found before any key is read.
struct yaml_fault {
    std::size_t line = 0;
    std::string message;
};

/// Whether values may contain line breaks. Only certificates need them; keys never may.
enum class yaml_texts { on_one_line, with_line_breaks };

/// Parses one document. An empty text is a null node.
///
/// Errors: at least one fault. Invalid bytes and tabs are reported for 20 lines and counted for the rest; parsing stops
///         at the first fault of the grammar.
/// Cost:   linear in the text; nesting is limited to 16 levels, so that no text can exhaust the stack.
[[nodiscard]] std::variant<yaml_node, std::vector<yaml_fault>> parse_yaml(
    std::string_view text,
    yaml_texts allowed = yaml_texts::on_one_line);

} // namespace kallglot::config

#endif
