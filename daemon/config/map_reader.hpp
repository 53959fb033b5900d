/// Reader of YAML maps with known keys; collects the faults. Private to web_config.

#ifndef KALLGLOT_CONFIG_MAP_READER_HPP
#define KALLGLOT_CONFIG_MAP_READER_HPP

#include "config/fault_list.hpp"
#include "config/yaml_tree.hpp"

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kallglot::config {

class map_reader {
public:
    /// Reads the value of one key; `path` is the name of the key in faults.
    using field_reader = std::function<void(const yaml_node& value, const std::string& path)>;
    using field = std::pair<std::string_view, field_reader>;

    /// `name` is the name of the file in faults; relative paths start at `folder`.
    map_reader(std::string_view name, const std::filesystem::path& folder);

    void fail(std::size_t line, std::string_view path, std::string_view message);

    [[nodiscard]] std::vector<config_fault> take_faults();

    /// Calls the reader of each key; unknown and repeated keys are faults. A missing value counts as an empty map.
    void read_map(const yaml_node& map, const std::string& prefix, std::span<const field> fields);

    /// Calls `take` for each item of a list of one-line strings. A missing value counts as an empty list.
    void read_list(const yaml_node& value,
                   const std::string& path,
                   const std::function<void(const yaml_node& item)>& take);

    // Readers of one key. This object and `into` outlive them. A fault leaves `into` unchanged.
    [[nodiscard]] field_reader text_to(std::string& into,
                                       yaml_texts allowed = yaml_texts::on_one_line);
    [[nodiscard]] field_reader pem_to(std::string& into);
    [[nodiscard]] field_reader file_to(
        std::string& into); ///< an absolute path; empty if the text is empty
    [[nodiscard]] field_reader flag_to(bool& into);

private:
    std::filesystem::path folder_;
    fault_list faults_;
};

} // namespace kallglot::config

#endif
