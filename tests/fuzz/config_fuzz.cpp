// A configuration file, without the files it names.

#include "kallglot/config/config_parsing.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace kallglot;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const config::parsed_config parsed =
        config::parse(text, "config.yml", "/etc/kallglot_exporter", config::environment{});
    for (const config::config_fault& fault : parsed.faults) {
        static_cast<void>(to_string(fault));
    }
    return 0;
}
