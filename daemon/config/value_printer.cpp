// Prints values as YAML and describes types and ranges for the reference.
//
// The texts must parse as the same value: the effective configuration is loadable, and a reload compares texts.

#include "config/schema_values.hpp"
#include "config/units.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace kallglot::config {

namespace {

// The one form of a range in all texts.
std::string to_range(const std::string& min, const std::string& max) {
    return min + " to " + max;
}

// A string as a YAML scalar: plain if no character has a meaning in YAML, otherwise in double quotes.
std::string print_text(std::string_view text) {
    // A list of what is safe. YAML has so many special cases that a list of what is not would miss one.
    const auto is_plain = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
               || std::string_view("/_.+-:@%~").find(c) != std::string_view::npos;
    };
    // Some characters are harmless except at the start or the end; `null` in any case would read as no value.
    const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), is_plain)
                       && std::string_view("+-:@%~").find(text.front()) == std::string_view::npos
                       && text.back() != ':' && text != "null" && text != "Null" && text != "NULL";
    if (plain) {
        return std::string(text);
    }
    // Control characters are rejected on input, so quote and backslash are the only escapes.
    std::string quoted = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            quoted += '\\';
        }
        quoted += c;
    }
    return quoted + '"';
}

// A list in flow style, `[a, b]`, so that every value fits on one line.
template <class List, class Print>
std::string print_list(const List& list, Print print) {
    std::string text = "[";
    for (const auto& item : list) {
        // Longer than the bracket alone: an item is there already.
        text += text.size() > 1 ? ", " : "";
        text += print(item);
    }
    return text + ']';
}

// Prints a value; one overload for each type of the schema.
struct printer {
    settings& all;

    std::string operator()(const duration_value& spec) const {
        return print_duration(spec.at(all));
    }

    std::string operator()(const size_value& spec) const { return print_size(spec.at(all)); }

    std::string operator()(const count_value& spec) const { return std::to_string(spec.at(all)); }

    std::string operator()(const flag_value& spec) const { return spec.at(all) ? "true" : "false"; }

    std::string operator()(const percent_value& spec) const { return print_percent(spec.at(all)); }

    std::string operator()(const rate_value& spec) const { return print_rate(spec.at(all)); }

    std::string operator()(const rate_limit_value& spec) const {
        const rate_limit_setting& limit = spec.at(all);
        // Zero has no form of its own, because the reader rejects it.
        return limit.mode == rate_limit_mode::automatic ? "auto" : print_rate(limit.fixed_rate);
    }

    std::string operator()(const http_version_value& spec) const {
        return std::string(text_of(spec.at(all)));
    }

    // URLs and addresses are printed as the operator wrote them, not as they were parsed.
    std::string operator()(const base_url_value& spec) const {
        return print_text(spec.at(all).text);
    }

    std::string operator()(const proxy_value& spec) const { return print_optional(spec.at(all)); }

    std::string operator()(const user_name_value& spec) const {
        return spec.at(all).empty() ? std::string() : print_text(spec.at(all));
    }

    std::string operator()(const listen_value& spec) const { return print_optional(spec.at(all)); }

    std::string operator()(const file_value& spec) const {
        return spec.at(all).empty() ? std::string() : print_text(spec.at(all));
    }

    std::string operator()(const store_path_value& spec) const { return print_text(spec.at(all)); }

    std::string operator()(const route_value& spec) const { return print_text(spec.at(all)); }

    std::string operator()(const duration_list_value& spec) const {
        return print_list(spec.at(all), print_duration);
    }

    std::string operator()(const file_list_value& spec) const {
        return print_list(spec.at(all), print_text);
    }

    // An unset optional value is empty, as in the file.
    template <class Optional>
    static std::string print_optional(const Optional& value) {
        return value ? print_text(value->text) : std::string();
    }
};

// The type column of the reference.
struct type_name {
    std::string operator()(const duration_value&) const { return "duration"; }

    std::string operator()(const duration_list_value&) const {
        return "list of ascending durations";
    }

    std::string operator()(const size_value&) const { return "size"; }

    std::string operator()(const count_value&) const { return "whole number"; }

    std::string operator()(const flag_value&) const { return "boolean"; }

    std::string operator()(const percent_value&) const { return "percentage"; }

    std::string operator()(const rate_value&) const { return "rate"; }

    std::string operator()(const rate_limit_value&) const { return "word or rate"; }

    std::string operator()(const http_version_value&) const { return "word or version"; }

    std::string operator()(const base_url_value&) const { return "URL"; }

    std::string operator()(const proxy_value&) const { return "URL"; }

    std::string operator()(const user_name_value&) const { return "user name"; }

    std::string operator()(const listen_value&) const { return "listen address"; }

    std::string operator()(const file_value& spec) const {
        return spec.holds_secret ? "secret file" : "file";
    }

    std::string operator()(const file_list_value& spec) const {
        return spec.holds_secrets ? "list of secret files" : "list of globs";
    }

    std::string operator()(const store_path_value&) const { return "path"; }

    std::string operator()(const route_value&) const { return "URL path"; }
};

// The range column of the reference, also used in errors: "must be 10ms to 1d".
struct range_text {
    std::string operator()(const duration_value& spec) const {
        return to_range(print_duration(spec.min), print_duration(spec.max));
    }

    std::string operator()(const duration_list_value& spec) const {
        return to_range(print_duration(spec.min), print_duration(spec.max)) + " each, at most "
               + std::to_string(max_thresholds);
    }

    std::string operator()(const size_value& spec) const {
        return to_range(print_size(spec.min), print_size(spec.max));
    }

    std::string operator()(const count_value& spec) const {
        return to_range(std::to_string(spec.min), std::to_string(spec.max));
    }

    std::string operator()(const percent_value& spec) const {
        return to_range(print_percent(spec.min), print_percent(spec.max));
    }

    std::string operator()(const flag_value&) const { return "true or false"; }

    std::string operator()(const rate_value&) const { return "above 0, or unlimited"; }

    std::string operator()(const rate_limit_value&) const {
        return "auto, unlimited, or a rate above 0";
    }

    std::string operator()(const http_version_value&) const { return "auto, 1.1 or 2"; }

    std::string operator()(const file_list_value&) const {
        return "at most " + std::to_string(max_files);
    }

    // Paths, URLs and addresses have no range.
    template <class Other>
    std::string operator()(const Other&) const {
        return {};
    }
};

} // namespace

std::string print_value(const value_binding& binding, const settings& all) {
    // The accessors return writable references; copying the settings avoids a second, constant set of accessors.
    settings copy = all;
    return std::visit(printer{copy}, binding);
}

std::string describe_type(const value_binding& binding) {
    return std::visit(type_name{}, binding);
}

std::string describe_range(const value_binding& binding) {
    return std::visit(range_text{}, binding);
}

// For these the documents add that the content is never shown.
bool names_secret(const value_binding& binding) {
    if (const auto* file = std::get_if<file_value>(&binding)) {
        return file->holds_secret;
    }
    const auto* list = std::get_if<file_list_value>(&binding);
    return list != nullptr && list->holds_secrets;
}

} // namespace kallglot::config
