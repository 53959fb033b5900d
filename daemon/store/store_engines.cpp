#include "kallglot/store/store_engines.hpp"

#include "store/null_engine.hpp"
#include "store/sqlite/sqlite_engine.hpp"

namespace kallglot {

std::shared_ptr<store_engine> make_store_engine(const store_settings& values,
                                                const std::string& boot_id) {
    if (values.in_memory()) {
        return std::make_shared<null_engine>();
    }
    return std::make_shared<sqlite_engine>(values.path, boot_id);
}

} // namespace kallglot
