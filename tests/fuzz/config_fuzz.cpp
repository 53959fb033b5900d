// Configuration files, without the files that they name. A valid configuration must have the same meaning after it is
// printed and read again, from any folder.

#include "config/config_parsing.hpp"
#include "fault_check.hpp"
#include "kallglot/config/reference.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace kallglot;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const config::parsed_config parsed =
        config::parse(text, "config.yml", "/etc/kallglot_exporter", {});
    if (!fuzz::are_well_formed(parsed.faults, text)) {
        std::abort();
    }
    if (parsed.faults.empty()) {
        const std::string printed = config::effective_yaml(parsed.values);
        const config::parsed_config again = config::parse(printed, "printed.yml", "/elsewhere", {});
        if (!again.faults.empty() || again.values != parsed.values) {
            std::abort();
        }
    }
    return 0;
}
