/// YAML text as a small tree of our own, with the line of every node, read strictly.
///
/// yaml-cpp 0.7 parses; its own node type is not used because it accepts repeated keys silently, expands
/// aliases without bound and forgets what was in quotes. What configuration does not need is refused: anchors,
/// aliases, tags, several documents, tabs in indentation, control characters (escaped
/// ones and line breaks inside texts, too), text that is not UTF-8, deep nesting.

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
    bool quoted = false; ///< a scalar in quotes or a block: text, never a number
    std::size_t line = 0;
    std::string text;
    std::vector<yaml_node> items;
    std::vector<yaml_entry> entries; ///< in order, repeated keys included
};

struct yaml_entry {
    yaml_node key;
    yaml_node value;
};

/// What is wrong with the text itself, before any key is looked at.
struct yaml_fault {
    std::size_t line = 0;
    std::string message;
};

/// Which values a document may hold: ours fit on a line, certificates do not. Keys always do.
enum class yaml_texts { on_one_line, with_line_breaks };

/// Reads one document. An empty text is a null node.
///
/// Errors: at least one fault. Faults of bytes and tabs are reported for 20 lines and counted for the rest; the
///         grammar stops at its first.
/// Cost:   linear in the text; nesting is limited to 16 levels, so that no text can exhaust the stack.
[[nodiscard]] std::variant<yaml_node, std::vector<yaml_fault>> parse_yaml(
    std::string_view text,
    yaml_texts allowed = yaml_texts::on_one_line);

} // namespace kallglot::config

#endif
