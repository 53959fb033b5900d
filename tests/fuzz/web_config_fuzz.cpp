// A file of --web.config.file, without the files it names.

#include "fault_check.hpp"
#include "kallglot/config/web_config.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace kallglot;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const config::web_config_result parsed = config::parse_web_config(text, "web.yml", "/etc");
    if (const auto* const faults = std::get_if<std::vector<config::config_fault>>(&parsed)) {
        if (faults->empty() || !fuzz::are_well_formed(*faults, text)) {
            std::abort();
        }
    }
    return 0;
}
