// Reads a YAML node into the settings, with one overload for each type of the schema.
//
// The kind of the node (list, scalar, empty) is checked once for all types; an overload sees only a node of the right
// kind. A value with a fault leaves the settings unchanged.

#include "config/parsed.hpp"
#include "config/paths.hpp"
#include "config/schema_values.hpp"
#include "config/units.hpp"
#include "kallglot/config/addresses.hpp"

#include <algorithm>
#include <optional>
#include <system_error>
#include <type_traits>
#include <utility>

namespace kallglot::config {

namespace {

using node_kind = yaml_node::kind_type;

// Names the kind of a node in errors: "must be a duration, not a list".
std::string_view name_of(const yaml_node& node) {
    switch (node.kind) {
        case node_kind::null:
            return "nothing";
        case node_kind::sequence:
            return "a list";
        case node_kind::map:
            return "a section";
        case node_kind::scalar:
            break;
    }
    return node.quoted ? "a string in quotes" : "a single value";
}

std::string wrong_type(const value_binding& binding, const yaml_node& node) {
    return "must be a " + describe_type(binding) + ", not " + std::string(name_of(node));
}

// Adds the range check to a parsed value.
template <class T>
parsed<T> within(const parsed<T>& value, T min, T max, const std::string& range) {
    // A parser's own error comes first: it knows more about the text.
    if (value && (*value < min || *value > max)) {
        return parse_error{"must be " + range};
    }
    return value;
}

// Resolves a path; a bare name of a secret is looked up in the credentials folder of the service manager first.
parsed<std::string> resolve_path(std::string_view text,
                                 bool holds_secret,
                                 const path_context& paths) {
    auto path = read_path(text, paths.folder);
    const auto& credentials = paths.env.credentials_directory;
    if (path && holds_secret && !credentials.empty()
        && !std::filesystem::path(text).has_parent_path()) {
        // An error of the lookup counts as "not there": reading the file later reports the reason.
        std::error_code ignored;
        auto credential = credentials / text;
        if (std::filesystem::exists(credential, ignored)) {
            return credential.string();
        }
    }
    return path;
}

// Compares paths as texts, so `a` and `./a` are the same; links are not followed.
bool is_same_file(const std::string& a, const std::string& b) {
    // Existing files could be compared by device and inode, but no file is opened here.
    return std::filesystem::path(a).lexically_normal()
           == std::filesystem::path(b).lexically_normal();
}

parsed<rate_limit_setting> parse_rate_limit(std::string_view text) {
    if (text == "auto") {
        return rate_limit_setting{};
    }
    // The message of a plain rate would not mention `auto`.
    const auto value = parse_rate(text);
    if (!value) {
        return parse_error{"must be auto, unlimited, or a rate, for example 600/1m"};
    }
    const auto mode = value->is_unlimited() ? rate_limit_mode::unlimited : rate_limit_mode::fixed;
    return rate_limit_setting{mode, *value};
}

parsed<http_version_choice> parse_http_version(std::string_view text) {
    for (const auto choice : {http_version_choice::automatic,
                              http_version_choice::http_1_1,
                              http_version_choice::http_2}) {
        if (text == text_of(choice)) {
            return choice;
        }
    }
    return parse_error{"must be auto, 1.1 or 2"};
}

// Types whose values must not be in quotes: "5" in quotes is a string in YAML, and probably a mistake.
template <class Binding>
constexpr bool is_never_quoted =
    std::is_same_v<Binding, count_value> || std::is_same_v<Binding, flag_value>;

// Types whose value may be empty: it disables something optional. Any other key requires a value.
template <class Binding>
constexpr bool may_be_empty =
    std::is_same_v<Binding, proxy_value> || std::is_same_v<Binding, user_name_value>
    || std::is_same_v<Binding, listen_value> || std::is_same_v<Binding, file_value>
    || std::is_same_v<Binding, file_list_value>;

// Reads one node. An object, so that std::visit finds an overload for each type.
struct reader {
    const value_binding& binding;
    const yaml_node& node;
    const path_context& paths;
    settings& all;
    std::vector<yaml_fault> faults{};

    // A list can have several faults on several lines.
    void fail(std::size_t line, std::string message) {
        faults.push_back({line, std::move(message)});
    }

    // Stores a valid value; otherwise records its error.
    template <class T, class Value>
    void store(place<T> at, Value value) {
        if (value) {
            at(all) = std::move(*value);
        } else {
            fail(node.line, value.error());
        }
    }

    // Checks the kind of the node, then lets the overload for the type read it.
    template <class Binding>
    void operator()(const Binding& spec) {
        // Lists are sequences, everything else is a scalar.
        constexpr bool is_list = std::is_same_v<Binding, duration_list_value>
                                 || std::is_same_v<Binding, file_list_value>;
        if (is_list ? node.kind == node_kind::sequence : node.kind == node_kind::scalar) {
            if (!is_list && is_never_quoted<Binding> && node.quoted) {
                fail(node.line, wrong_type(binding, node));
            } else if (may_be_empty<Binding> && !is_list && node.text.empty()) {
                clear(spec);
            } else {
                read(spec);
            }
        } else if (may_be_empty<Binding> && node.kind == node_kind::null) {
            clear(spec);
        } else if (node.kind == node_kind::null) {
            // `connect_timeout:` without a value is probably an unfinished edit.
            fail(node.line, "has no value: must be a " + describe_type(binding));
        } else {
            fail(node.line, wrong_type(binding, node));
        }
    }

    // Resets an optional value; instantiated for every type, but only reached for those that may be empty.
    template <class Binding>
    void clear(const Binding& spec) {
        if constexpr (may_be_empty<Binding>) {
            spec.at(all) = {};
        }
    }

    // Numbers: the unit parsers check the form, `within` the range of the row.
    void read(const duration_value& spec) {
        store(spec.at, within(parse_duration(node.text), spec.min, spec.max, describe_range(spec)));
    }

    void read(const size_value& spec) {
        store(spec.at, within(parse_size(node.text), spec.min, spec.max, describe_range(spec)));
    }

    void read(const count_value& spec) {
        store(spec.at, within(parse_count(node.text), spec.min, spec.max, describe_range(spec)));
    }

    void read(const percent_value& spec) {
        store(spec.at, within(parse_percent(node.text), spec.min, spec.max, describe_range(spec)));
    }

    // yes, on and others are strings here, as in YAML 1.2.
    void read(const flag_value& spec) {
        store(spec.at, parse_flag(node.text, flag_words::yaml_1_2));
    }

    // Rates, URLs and addresses have their ranges in their parsers.
    void read(const rate_value& spec) { store(spec.at, parse_rate(node.text)); }

    void read(const rate_limit_value& spec) { store(spec.at, parse_rate_limit(node.text)); }

    void read(const http_version_value& spec) { store(spec.at, parse_http_version(node.text)); }

    void read(const base_url_value& spec) { store(spec.at, parse_base_url(node.text)); }

    void read(const proxy_value& spec) { store(spec.at, parse_proxy_url(node.text)); }

    // RFC 7617: the first colon ends the name. Control characters are refused by yaml_tree.
    void read(const user_name_value& spec) {
        constexpr std::size_t max_name_bytes = 256;
        if (node.text.find(':') != std::string::npos || node.text.size() > max_name_bytes) {
            fail(node.line, "must be a user name without a colon, at most 256 bytes");
        } else {
            spec.at(all) = node.text;
        }
    }

    void read(const listen_value& spec) { store(spec.at, parse_listen_address(node.text)); }

    // A path is stored absolute. Whether the file exists is checked later, with its line.
    void read(const file_value& spec) {
        store(spec.at, resolve_path(node.text, spec.holds_secret, paths));
    }

    // Only stored here: this path starts at another folder than all others, so config_parsing resolves it at the end.
    void read(const store_path_value& spec) {
        if (node.text.empty()) {
            fail(node.line, "must be the path of a file or \":memory:\", not an empty string");
        } else {
            spec.at(all) = node.text;
        }
    }

    void read(const route_value& spec) { store(spec.at, parse_route(node.text)); }

    // Thresholds: each becomes label values and a bit in every session, so their number is bounded and their order
    // fixed.
    void read(const duration_list_value& spec) {
        if (node.items.size() > max_thresholds) {
            fail(node.line, "must have at most " + std::to_string(max_thresholds) + " thresholds");
            return;
        }
        std::vector<std::chrono::milliseconds> list;
        for (const yaml_node& item : node.items) {
            // Each item has its own fault and line; the good ones are still checked against each other.
            if (item.kind != node_kind::scalar) {
                fail(item.line, "each item must be a duration, not " + std::string(name_of(item)));
                continue;
            }
            const auto value = within(parse_duration(item.text),
                                      spec.min,
                                      spec.max,
                                      describe_range(duration_value{nullptr, spec.min, spec.max}));
            if (!value) {
                fail(item.line, value.error());
            } else if (!list.empty() && *value <= list.back()) {
                fail(item.line,
                     "must be in ascending order: " + print_duration(*value) + " follows "
                         + print_duration(list.back()));
            } else {
                list.push_back(*value);
            }
        }
        // Half a list would be a configuration that the operator did not write.
        if (faults.empty()) {
            spec.at(all) = std::move(list);
        }
    }

    // One entry of a list of files: a secret, or a glob of session files.
    [[nodiscard]] parsed<std::string> read_item(const yaml_node& item, bool holds_secret) const {
        if (item.kind != node_kind::scalar) {
            return parse_error{"each item must be a path, not " + std::string(name_of(item))};
        }
        // Secrets have no wildcards: which files match could change with the folder.
        return holds_secret ? resolve_path(item.text, true, paths)
                            : read_glob(item.text, paths.folder);
    }

    void read(const file_list_value& spec) {
        // Each file of the list is opened and watched, and duplicates are found by comparing all pairs.
        if (node.items.size() > max_files) {
            fail(node.line, "must have at most " + std::to_string(max_files) + " files");
            return;
        }
        // A file listed twice is a mistake: for secrets a useless one, for globs one that hides a wrong name.
        std::vector<std::string> list;
        for (const yaml_node& item : node.items) {
            const auto path = read_item(item, spec.holds_secrets);
            if (!path) {
                fail(item.line, path.error());
            } else if (std::ranges::any_of(list, [&](const std::string& other) {
                           return is_same_file(other, *path);
                       })) {
                fail(item.line, "the file is listed twice");
            } else {
                list.push_back(*path);
            }
        }
        if (faults.empty()) {
            spec.at(all) = std::move(list);
        }
    }
};

} // namespace

std::vector<yaml_fault> read_value(const value_binding& binding,
                                   const yaml_node& node,
                                   const path_context& paths,
                                   settings& all) {
    // The visitor collects faults; its place in the settings is known only to the row.
    reader read{binding, node, paths, all};
    std::visit(read, binding);
    return std::move(read.faults);
}

} // namespace kallglot::config
